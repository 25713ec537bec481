/** Lets each channel be read when it is due: a few at a time, one of each, and by the replica that leads only. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import type { ManagedOSVersionChannel, ManagedOSVersionChannelStatus } from "@rancheros/protocol/resources";
import { compileChannel, type ChannelSource, type CompiledChannel } from "./channel-source.ts";
import { failed, restingStatus, succeeded, underWay } from "./channel-status.ts";
import { isOtherSpec, leftAloneUntilMs, storedWish, type ServerWish } from "./server-wish.ts";
import { dueAtMs, syncRequest } from "./sync-schedule.ts";
import type { Remembered, Synced } from "./sync-channel.ts";

type Status = ManagedOSVersionChannelStatus;

export interface ChannelRunsParts {
  readonly sync: (
    channel: ManagedOSVersionChannel,
    compiled: CompiledChannel & { readonly source: ChannelSource },
    known: Remembered | undefined,
    signal: AbortSignal,
  ) => Promise<Synced>;
  /** @returns the object as it is stored; undefined where it is gone. @throws KubernetesError, LeadershipError */
  readonly writeStatus: (
    channel: ManagedOSVersionChannel,
    next: Status,
  ) => Promise<ManagedOSVersionChannel | undefined>;
  readonly isLeader: () => boolean;
  /** Must not throw. */
  readonly onSynced: (channel: ManagedOSVersionChannel, synced: Synced) => void;
  readonly onFailed: (channel: ManagedOSVersionChannel, error: unknown) => void;
  readonly nowMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}

interface Held {
  channel: ManagedOSVersionChannel;
  cancelTimer: (() => void) | undefined;
  run: AbortController | undefined;
  remembered: Remembered | undefined;
  /** Statuses that could not be written, one after the other. */
  lost: number;
  /** After what could not be written. */
  notBeforeMs: number;
  /** Undefined where this replica has heard of none itself. */
  wish: ServerWish | undefined;
}

/** Lists are small and quick; pods take the time that they need, and the cluster's room. */
const MOST_AT_ONCE = { fetch: 4, pod: 4 };
/** Long timers are set again on the way: clocks are set, and processes sleep. */
const LONGEST_TIMER_MS = 600_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 300_000;
/** The API server has no such channel any more: so long the watch may take to say so. */
const GONE_RETRY_MS = 30_000;
/** Mean pause where what was written is not what is stored. */
const CONTESTED_RETRY_MS = 30_000;

function keyOf({ metadata }: { readonly metadata: { readonly namespace: string; readonly name: string } }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Not the channel's fault: nothing is said about it. */
function isOurOwn(error: unknown): boolean {
  return ["CHANNEL_INTERRUPTED", "REGISTRY_INTERRUPTED", "LEADERSHIP_LOST"].some((code) => hasCode(error, code));
}

/** When something is to be done for it; never where it is not to be read, and its status says so. */
function wantedAtMs(channel: ManagedOSVersionChannel, nowMs: number): number {
  const compiled = compileChannel(channel);
  if (compiled.source !== undefined && compiled.isEnabled) return dueAtMs(channel, compiled.intervalMs, nowMs);
  return restingStatus(channel, compiled, nowMs) === undefined ? Number.POSITIVE_INFINITY : 0;
}

export class ChannelRuns {
  readonly #parts: ChannelRunsParts;
  readonly #held = new Map<string, Held>();
  readonly #active = { fetch: 0, pod: 0 };
  readonly #waiting = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(parts: ChannelRunsParts) {
    this.#parts = parts;
  }

  put(channel: ManagedOSVersionChannel): void {
    const key = keyOf(channel);
    const held = this.#held.get(key);
    if (held === undefined) {
      const made = { cancelTimer: undefined, run: undefined, remembered: undefined, wish: undefined };
      this.#held.set(key, { channel, ...made, lost: 0, notBeforeMs: 0 });
    } else {
      // What is being read is not what is asked for any more.
      if (isOtherSpec(channel, held.channel)) held.run?.abort();
      if (channel.metadata.uid !== held.channel.metadata.uid) held.notBeforeMs = 0;
      held.channel = channel;
    }
    this.look(key);
  }

  delete(channel: { readonly metadata: { readonly namespace: string; readonly name: string } }): void {
    const key = keyOf(channel);
    const held = this.#held.get(key);
    held?.run?.abort();
    held?.cancelTimer?.();
    this.#held.delete(key);
    this.#waiting.delete(key);
  }

  channels(): readonly ManagedOSVersionChannel[] {
    return [...this.#held.values()].map(({ channel }) => channel);
  }

  /** As when this replica begins to lead. */
  lookAll(): void {
    for (const key of this.#held.keys()) this.look(key);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const held of this.#held.values()) {
      held.run?.abort();
      held.cancelTimer?.();
    }
    await Promise.allSettled(this.#running);
  }

  look(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined || this.#isStopped || held.run !== undefined || !this.#parts.isLeader()) return;
    held.cancelTimer?.();
    held.cancelTimer = undefined;
    const { channel } = held;
    if (channel.metadata.deletionTimestamp !== undefined) return;
    const nowMs = this.#parts.nowMs();
    const dueMs = wantedAtMs(channel, nowMs);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs =
      Math.max(dueMs, held.notBeforeMs, leftAloneUntilMs(channel, held.wish ?? storedWish(channel, nowMs))) - nowMs;
    if (delayMs > 0) {
      held.cancelTimer = this.#parts.setTimer(() => this.look(key), Math.min(LONGEST_TIMER_MS, delayMs));
      return;
    }
    this.#begin(key, held, compileChannel(channel));
  }

  #begin(key: string, held: Held, compiled: CompiledChannel): void {
    const kind = compiled.source?.kind === "custom" ? "pod" : "fetch";
    if (this.#active[kind] >= MOST_AT_ONCE[kind]) {
      this.#waiting.add(key);
      return;
    }
    this.#waiting.delete(key);
    this.#active[kind] += 1;
    const run = new AbortController();
    held.run = run;
    const { channel } = held;
    const running = this.#run(held, compiled, run.signal)
      .then(() => this.#spare(held, channel))
      .catch((error: unknown) => this.#lost(held, error))
      .finally(() => {
        this.#active[kind] -= 1;
        this.#running.delete(running);
        held.run = undefined;
        this.look(key);
        for (const other of this.#waiting) this.look(other);
      });
    this.#running.add(running);
  }

  async #run(held: Held, compiled: CompiledChannel, signal: AbortSignal): Promise<void> {
    const { nowMs, sync, onSynced, onFailed } = this.#parts;
    const { source, isEnabled } = compiled;
    if (source === undefined || !isEnabled) {
      const rest = restingStatus(held.channel, compiled, nowMs());
      if (rest !== undefined) await this.#write(held, held.channel, rest);
      return;
    }
    if (source.kind === "custom") await this.#write(held, held.channel, underWay(held.channel, nowMs()));
    const { channel } = held;
    let synced: Synced;
    try {
      synced = await sync(channel, { ...compiled, source }, held.remembered, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isOurOwn(error)) throw error;
      onFailed(channel, error);
      this.#heed(held, channel, error);
      await this.#write(held, channel, failed(channel, error, nowMs(), held.wish?.untilMs));
      return;
    }
    held.remembered = synced.remembered;
    held.wish = undefined;
    await this.#write(held, channel, succeeded(channel, synced, nowMs()));
    onSynced(channel, synced);
  }

  /** A wish goes on until its time, or until the server has another one. */
  #heed(held: Held, channel: ManagedOSVersionChannel, error: unknown): void {
    const nowMs = this.#parts.nowMs();
    const wish = held.wish ?? storedWish(channel, nowMs);
    if (isCodedError(error) && typeof error.retry === "object") {
      held.wish = { untilMs: nowMs + error.retry.afterMs, channel };
    } else if (wish !== undefined) {
      held.wish = isOtherSpec(channel, wish.channel) ? undefined : { ...wish, channel };
    }
  }

  /** @param channel  what the status is about: the object may be another one already */
  async #write(held: Held, channel: ManagedOSVersionChannel, next: Status): Promise<void> {
    const stored = await this.#parts.writeStatus(channel, next);
    held.lost = 0;
    if (stored === undefined && held.channel.metadata.uid === channel.metadata.uid) {
      held.notBeforeMs = Math.max(held.notBeforeMs, this.#parts.nowMs() + GONE_RETRY_MS);
    }
    const isSame = held.channel.metadata.uid === stored?.metadata.uid;
    const isNewer = Number(stored?.metadata.resourceVersion) > Number(held.channel.metadata.resourceVersion);
    if (stored !== undefined && isSame && isNewer) held.channel = stored;
  }

  /** A webhook, or a CRD of another version, makes of a status that nothing is due something else: it is due again at once. */
  #spare(held: Held, ran: ManagedOSVersionChannel): void {
    const { channel } = held;
    const nowMs = this.#parts.nowMs();
    if (isOtherSpec(channel, ran) || syncRequest(channel) !== syncRequest(ran) || wantedAtMs(channel, nowMs) > nowMs)
      return;
    const pauseMs = CONTESTED_RETRY_MS * (0.5 + this.#parts.random());
    held.notBeforeMs = Math.max(held.notBeforeMs, nowMs + pauseMs);
  }

  /** Nothing could be written: the status does not tell when it was tried. */
  #lost(held: Held, error: unknown): void {
    if (isOurOwn(error)) return;
    held.lost += 1;
    const backoffMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (held.lost - 1));
    held.notBeforeMs = this.#parts.nowMs() + backoffMs * (0.5 + this.#parts.random());
    this.#parts.onFailed(held.channel, error);
  }
}
