/** Decides about one image and stores what was decided: many who ask at once are served by one write. */
import { hasCode } from "@rancheros/protocol/errors";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { Waiting } from "@rancheros/protocol/upgrade";
import { retryAfterMs } from "../controller/index.ts";
import { errorFields } from "../telemetry/index.ts";
import { saysBlocked, withBlocked } from "./blocked-status.ts";
import type { WhetherReady } from "./create-whether-ready.ts";
import { decide, type Candidate, type Decision } from "./decide.ts";
import type { Found } from "./describe-rollout.ts";
import { RolloutError } from "./errors.ts";
import type { WithHearing } from "./hearing.ts";
import { aboutOf, type ImageState } from "./image-state.ts";
import { loseImage, renewImage } from "./late-answers.ts";
import { clusterOf } from "./machine-place.ts";
import { newsOf } from "./news-of.ts";
import { canonicalJson } from "./plan-id.ts";
import { READS_AT_ONCE, refreshMachines } from "./refresh-machines.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { isToUpgrade } from "./turn.ts";
import { viewOf } from "./view-of.ts";

const TRIES = 6;
const RETRY_MS = 50;
/** What has ended is written down so late where the next machine will ask before: then it is one write, not two. */
const LAZY_MS = 10_000;
const SOON_MS = 2_000;
/** Nobody who asks waits for others whose reading takes longer; who has given up would hold a slot that nobody uses. */
const PATIENCE_MS = 10_000;
const ASKERS_MIN = READS_AT_ONCE;
const ASKERS_FIRST = 32;
const ASKERS_MAX = 4_096;
/** From one write to the next, for each machine that holds a slot: who asks in between is served by that one. */
const GATHER_MS_EACH = 20;
const LONGEST_GATHER_MS = 1_000;

interface Asker {
  readonly uid: string;
  readonly settle: (refusal: Waiting | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** Why the image's machines cannot be decided about now. */
const NOT_READY: Waiting = { reason: "Queued", message: "the operator does not know the cluster at this moment" };
const WITHDRAWN: Waiting = { reason: "NoImage", message: "the ManagedOSImage is not for this machine any more" };

export class ImageWorker {
  readonly #key: string;
  readonly #index: RolloutIndex;
  readonly #parts: RolloutParts & WithHearing;
  readonly #whetherReady: () => WhetherReady;
  readonly #touchOthers: (images: ReadonlySet<ImageState>) => void;
  #askers: Asker[] = [];
  /** So many are served together; fewer where the API server is slow. */
  #askersAtOnce = ASKERS_FIRST;
  #isRunning = false;
  /** Timers that have come during a run: what they were set for may be younger than what the run goes by. */
  #missed = 0;
  #isStopped = false;
  /** By the steady clock, as the timer's time. */
  #writtenMs = Number.NEGATIVE_INFINITY;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #found: { readonly what: Found; readonly about: string } | undefined;

  /** @param touchOthers  told of images for which what was read has changed something: the watch will show nothing new of it */
  constructor(
    key: string,
    index: RolloutIndex,
    parts: RolloutParts & WithHearing,
    whetherReady: () => WhetherReady,
    touchOthers: (images: ReadonlySet<ImageState>) => void,
  ) {
    this.#key = key;
    this.#index = index;
    this.#parts = parts;
    this.#whetherReady = whetherReady;
    this.#touchOthers = touchOthers;
  }

  /** Asks for a slot. @returns why there is none; undefined where it is granted and stored */
  ask(uid: string): Promise<Waiting | undefined> {
    return new Promise((settle, fail) => {
      this.#askers.push({ uid, settle, fail });
      this.#serve();
    });
  }

  /** Something may have to be written: soon, or with the next grant where one is to be expected. */
  touch(image: ImageState): void {
    const delayMs = (image.front > 0 ? LAZY_MS : SOON_MS) * (0.5 + this.#parts.random());
    this.#wakeIn(delayMs + this.#parts.lagMs());
  }

  /** Whether what the image refers to can be had. */
  report(found: Found): void {
    const image = this.#index.image(this.#key);
    if (image === undefined) return;
    this.#found = { what: found, about: aboutOf(image) };
    this.#wakeIn(0);
  }

  wakeSoon(): void {
    this.#wakeIn(RETRY_MS * (1 + this.#parts.random()) + this.#parts.lagMs());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const asker of this.#askers.splice(0)) asker.settle(NOT_READY);
  }

  /** Several slots come free in the same second where hundreds of machines upgrade at a time: they are granted together. */
  #serve(): void {
    if (this.#isRunning) return;
    const slots = this.#index.image(this.#key)?.slots.size ?? 0;
    const gatherMs = Math.min(LONGEST_GATHER_MS, GATHER_MS_EACH * slots);
    const waitMs = this.#writtenMs + gatherMs - this.#parts.steadyMs();
    if (waitMs > 0) this.#wakeIn(waitMs);
    else void this.#run();
  }

  #wakeIn(delayMs: number): void {
    if (this.#isStopped) return;
    const atMs = this.#parts.steadyMs() + delayMs;
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const cancel = this.#parts.setTimer(() => {
      this.#timer = undefined;
      void this.#run();
    }, delayMs);
    this.#timer = { atMs, cancel };
  }

  async #run(): Promise<void> {
    if (this.#isRunning) {
      this.#missed += 1;
      return;
    }
    this.#isRunning = true;
    let missed: number;
    do {
      missed = this.#missed;
      const askers = this.#askers.splice(0, this.#askersAtOnce);
      const beganMs = this.#parts.steadyMs();
      try {
        const refused = await this.#decideAndStore(askers.map(({ uid }) => uid));
        for (const { uid, settle } of askers) settle(refused.get(uid));
      } catch (error) {
        for (const { fail } of askers) fail(error);
        const level = hasCode(error, "ROLLOUT_CONTESTED") ? "info" : "warn";
        this.#parts.log[level]("rollout not written", { image: this.#key, ...errorFields(error) });
        this.#wakeIn(Math.max(SOON_MS, retryAfterMs(error)) * (1 + this.#parts.random()));
      }
      this.#pace(askers.length, this.#parts.steadyMs() - beganMs);
    } while (this.#missed > missed && !this.#isStopped);
    this.#isRunning = false;
    if (this.#askers.length > 0 && !this.#isStopped) this.#serve();
  }

  #pace(askers: number, tookMs: number): void {
    if (tookMs > PATIENCE_MS) this.#askersAtOnce = Math.max(ASKERS_MIN, Math.floor(askers / 2));
    else if (askers >= this.#askersAtOnce) this.#askersAtOnce = Math.min(ASKERS_MAX, 2 * askers);
  }

  async #decideAndStore(uids: readonly string[]): Promise<ReadonlyMap<string, Waiting>> {
    const refuseAll = (why: Waiting) => new Map(uids.map((uid) => [uid, why]));
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      if (this.#isStopped) return refuseAll(NOT_READY);
      this.#parts.hearing();
      const ready = this.#whetherReady();
      if (ready !== "ready") {
        this.#wakeIn(SOON_MS);
        if (ready !== "not-ready") await this.#sayBlocked(ready);
        return refuseAll(NOT_READY);
      }
      const image = this.#index.image(this.#key);
      if (image === undefined) return refuseAll(WITHDRAWN);
      // Machines are read after the image: what the status says of them is older than what they say themselves.
      const { object } = image.image;
      await this.#refresh(image, uids);
      const known = this.#index.image(this.#key);
      if (known?.image.object.metadata.resourceVersion !== object.metadata.resourceVersion) continue;
      const found = this.#found;
      const decision = this.#decide(known, uids);
      if (!decision.isChanged || (await this.#store(known, decision))) {
        // What was found out during the write is not in it.
        if (this.#found === found) this.#found = undefined;
        this.#planAhead(decision);
        // Whoever leads takes that back, and this replica may come to lead.
        if (saysBlocked(decision.status)) this.#wakeIn(LAZY_MS);
        return this.#answers(known.image.key, uids, decision);
      }
      await new Promise<void>((resolve) => {
        this.#parts.setTimer(resolve, RETRY_MS * attempt * (0.5 + this.#parts.random()));
      });
    }
    throw new RolloutError("ROLLOUT_CONTESTED", `the status of ManagedOSImage ${this.#key} is changed all the time`);
  }

  async #refresh(image: ImageState, uids: readonly string[]): Promise<void> {
    const nowMs = this.#parts.nowMs();
    const view = viewOf(this.#index, image, nowMs, true, this.#parts.hearing());
    await refreshMachines(this.#index, view, uids, nowMs, {
      readMachine: this.#parts.readMachine,
      // This one goes by it right away.
      onChanged: (all) => this.#touchOthers(new Set([...all].filter((one) => one.image.key !== this.#key))),
    });
  }

  #decide(image: ImageState, uids: readonly string[]): Decision {
    const states = uids.flatMap((uid) => this.#index.machine(uid) ?? []);
    const candidates = states
      .filter((state) => state.claims[0] === image && isToUpgrade(state))
      .sort((a, b) => (a.orderKey() < b.orderKey() ? -1 : 1))
      .flatMap(({ machine }): readonly Candidate[] => {
        const cluster = clusterOf(machine);
        return cluster === undefined ? [] : [{ machine, cluster }];
      });
    const nowMs = this.#parts.nowMs();
    // Of an earlier spec it says nothing about this one.
    const found = this.#found?.about === aboutOf(image) ? this.#found.what : undefined;
    const view = viewOf(this.#index, image, nowMs, true, this.#parts.hearing());
    const decision = decide(view, candidates, nowMs, found);
    if (!this.#leads()) return decision;
    const status = withBlocked(decision.status, undefined, image.image.object.metadata.generation, nowMs);
    return { ...decision, status, isChanged: decision.isChanged || saysBlocked(decision.status) };
  }

  #leads(): boolean {
    return this.#parts.lagMs() === 0;
  }

  async #sayBlocked(why: Waiting): Promise<void> {
    const image = this.#index.image(this.#key);
    if (image === undefined || !this.#leads()) return;
    const { metadata, status = {} } = image.image.object;
    const next = withBlocked(status, why, metadata.generation, this.#parts.nowMs());
    if (canonicalJson(next) !== canonicalJson(status)) await this.#write(image, next);
  }

  /** @returns whether it is stored; false where it has to be decided anew */
  async #store(image: ImageState, decision: Decision): Promise<boolean> {
    const { object } = image.image;
    const isStored = await this.#write(image, decision.status);
    if (isStored) for (const news of newsOf(object, decision)) this.#parts.tell(news);
    return isStored;
  }

  async #write(image: ImageState, status: ManagedOSImageStatus): Promise<boolean> {
    const { object } = image.image;
    const { namespace, name } = object.metadata;
    try {
      const stored = await this.#parts.store.writeStatus(object, status);
      this.#writtenMs = this.#parts.steadyMs();
      renewImage(this.#index, stored);
      return true;
    } catch (error) {
      if (hasCode(error, "KUBERNETES_NOT_FOUND")) loseImage(this.#index, object);
      else if (hasCode(error, "KUBERNETES_CONFLICT")) {
        const fresh = await this.#parts.store.read(namespace, name);
        if (fresh === undefined) loseImage(this.#index, object);
        else renewImage(this.#index, fresh);
      } else throw error;
      return false;
    }
  }

  #planAhead({ wakeAtMs }: Decision): void {
    // Long timers are set again on the way: the process may sleep, and clocks are set.
    if (wakeAtMs === undefined) return;
    this.#wakeIn(Math.min(600_000, Math.max(0, wakeAtMs - this.#parts.nowMs())) + this.#parts.lagMs());
  }

  /** Granted is who holds a slot of the current plan now; whoever stored it. */
  #answers(key: string, uids: readonly string[], decision: Decision): ReadonlyMap<string, Waiting> {
    const image = this.#index.image(key);
    const refused = new Map<string, Waiting>();
    for (const uid of uids) {
      if (image !== undefined && image.slots.get(uid)?.plan === image.plan) continue;
      refused.set(uid, decision.refused.get(uid) ?? WITHDRAWN);
    }
    return refused;
  }
}
