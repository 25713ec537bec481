/** Channels that are read by one replica, in virtual time, and an API server that has them. */
import { isDeepStrictEqual } from "node:util";
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { ChannelRuns, type ChannelRunsParts } from "../../../src/versions/channel-runs.ts";
import type { Synced } from "../../../src/versions/sync-channel.ts";
import { VirtualTime } from "../rollout/virtual-time.ts";

export const SYNCED: Synced = {
  versions: 1,
  skipped: 0,
  outOfSync: 0,
  problems: [],
  changes: { created: 1, updated: 0, removed: 0 },
  remembered: undefined,
};

export type Status = NonNullable<ManagedOSVersionChannel["status"]>;

/** A loop without a pause would never come to an end in virtual time. */
const WRITES_MAX = 10_000;

/** Of half a character Go makes another one. */
function asGoReads(status: Status): Status {
  const conditions = status.conditions?.map((one) => ({ ...one, message: one.message?.toWellFormed() ?? "" }));
  return { ...status, ...(conditions === undefined ? {} : { conditions }) };
}

export class ChannelWorld {
  readonly time = new VirtualTime();
  readonly readAt: number[] = [];
  readonly failures: string[] = [];
  isLeader = true;
  isServerAway = false;
  writes = 0;
  /** What an admission webhook makes of a status. */
  admit = (status: Status): Status => status;
  underWay = 0;
  mostUnderWay = 0;
  read: (signal: AbortSignal) => Promise<Synced> = () => Promise.resolve(SYNCED);
  runs: ChannelRuns;
  readonly #parts: ChannelRunsParts;
  readonly #stored = new Map<string, ManagedOSVersionChannel>();
  #version = 1;

  constructor() {
    this.#parts = {
      sync: async (_channel, _compiled, _known, signal) => {
        this.readAt.push(this.time.nowMs);
        this.underWay += 1;
        this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
        try {
          return await this.read(signal);
        } finally {
          this.underWay -= 1;
        }
      },
      writeStatus: (channel, status) => {
        if (this.isServerAway) return Promise.reject(new Error("away"));
        const known = this.#stored.get(channel.metadata.name);
        if (known === undefined) return Promise.resolve(undefined);
        this.writes += 1;
        if (this.writes > WRITES_MAX) return new Promise(() => undefined);
        const next = asGoReads(this.admit(status));
        // As the API server does it, a write that changes nothing is none.
        return Promise.resolve(isDeepStrictEqual(next, known.status) ? known : this.#store({ ...known, status: next }));
      },
      isLeader: () => this.isLeader,
      onSynced: () => undefined,
      onFailed: (_channel, error) => this.failures.push(error instanceof Error ? error.message : ""),
      nowMs: () => this.time.nowMs,
      random: () => 0.5,
      setTimer: (run, delayMs) => this.time.setTimer(run, delayMs),
    };
    this.runs = new ChannelRuns(this.#parts);
  }

  /** A replica that knows only what is stored. */
  async letAnotherLead(): Promise<void> {
    await this.runs.stop();
    this.runs = new ChannelRuns(this.#parts);
    for (const channel of this.#stored.values()) this.runs.put(channel);
  }

  #store(channel: ManagedOSVersionChannel): ManagedOSVersionChannel {
    this.#version += 1;
    const metadata = { ...channel.metadata, resourceVersion: String(this.#version) };
    const stored = { ...channel, metadata };
    this.#stored.set(metadata.name, stored);
    return stored;
  }

  /** As somebody applies it, and the watch shows it. */
  apply(channel: ManagedOSVersionChannel): void {
    const { status } = this.#stored.get(channel.metadata.name) ?? {};
    this.runs.put(this.#store({ ...channel, ...(status === undefined ? {} : { status }) }));
  }

  /** As somebody deletes it, and the watch does not show it yet. */
  forget(name = "stable"): void {
    this.#stored.delete(name);
  }

  stored(name = "stable"): ManagedOSVersionChannel | undefined {
    return this.#stored.get(name);
  }

  condition(name?: string) {
    return this.stored(name)?.status?.conditions?.find(({ type }) => type === "Synced");
  }
}
