/** Replicas that elect a leader on a clock of their own, with an API server that is slow, away or cut off as a test wants. */
import { KubernetesError } from "../../../src/controller/errors.ts";
import { startElection, type Election, type LeaseStore } from "../../../src/leadership/leader-election.ts";
import type { LeaseRecord, StoredLease } from "../../../src/leadership/lease-record.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";

const silent = (): void => undefined;

const TRANSITIONS_MAX = 2 ** 31 - 1;

/** How the way of one replica to the API server is at a moment. */
export interface Way {
  /** Of a request, and of its answer. */
  delayMs: () => number;
  /** The request does not arrive, or its answer gets lost; both end in a failure after the time-out. */
  isCut: boolean;
  isAnswerLost: boolean;
}

export interface Replica {
  readonly election: Election;
  readonly way: Way;
  /** How much faster its clock goes than the real one. */
  readonly clockFactor: number;
}

export class Replicas {
  readonly time = new VirtualTime();
  readonly random: () => number;
  lease: StoredLease | undefined;
  /** Who has taken the lease, in turn. */
  readonly holders: string[] = [];
  /** What replicas have said that is no ordinary course, in turn. */
  readonly warnings: (readonly [identity: string, sentence: string, fields: object | undefined])[] = [];
  #version = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  start(identity: string, clockFactor = 1): Replica {
    const way: Way = { delayMs: () => 5, isCut: false, isAnswerLost: false };
    const { time } = this;
    const beganMs = time.nowMs;
    const steadyMs = (): number => (time.nowMs - beganMs) * clockFactor;
    const election = startElection({
      store: this.#storeOver(way),
      identity,
      steadyMs,
      // Nobody may rely on it: each is wrong by days.
      nowMs: () => time.nowMs + (clockFactor - 1) * 86_400_000,
      random: this.random,
      sleep: (delayMs, signal) =>
        new Promise((resolve) => {
          const cancel = time.setTimer(resolve, delayMs / clockFactor);
          signal.addEventListener("abort", () => {
            cancel();
            resolve();
          });
        }),
      log: {
        debug: silent,
        info: silent,
        warn: (sentence, fields) => void this.warnings.push([identity, sentence, fields]),
        error: silent,
      },
    });
    return { election, way, clockFactor };
  }

  /** What somebody has written by hand. */
  overwrite(change: Partial<StoredLease>): void {
    if (this.lease !== undefined) this.lease = { ...this.lease, ...change, resourceVersion: this.#next() };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #storeOver(way: Way): LeaseStore {
    const over = async <Answer>(act: () => Answer): Promise<Answer> => {
      if (way.isCut) {
        await this.time.delay(4_000);
        throw new KubernetesError("KUBERNETES_TIMEOUT", "cut off");
      }
      await this.time.delay(way.delayMs());
      const answer = act();
      if (way.isAnswerLost) {
        await this.time.delay(4_000);
        throw new KubernetesError("KUBERNETES_TIMEOUT", "no answer");
      }
      await this.time.delay(way.delayMs());
      return answer;
    };
    const store = (record: LeaseRecord): StoredLease => {
      // Kubernetes counts in an int32, and refuses what is none.
      if (record.transitions > TRANSITIONS_MAX)
        throw new KubernetesError("KUBERNETES_REFUSED", "cannot unmarshal number");
      if (this.lease?.holder !== record.holder && record.holder !== "") this.holders.push(record.holder);
      this.lease = { ...record, resourceVersion: this.#next() };
      return this.lease;
    };
    return {
      read: () => over(() => this.lease),
      create: (record) => over(() => (this.lease === undefined ? store(record) : undefined)),
      update: (record, version) => over(() => (this.lease?.resourceVersion === version ? store(record) : undefined)),
    };
  }
}
