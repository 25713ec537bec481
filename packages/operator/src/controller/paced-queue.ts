/** Keys whose work has time: begun after a delay, one after the other, never more than so many in a second. */

import { retryAfterMs } from "./retry-after.ts";
import type { QueueLoad } from "./work-queue.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Of a key that is refused for its own sake. */
const LONGEST_OWN_PAUSE_MS = 600_000;

export type Lane = "prompt" | "later";

export interface PacedQueue {
  /** Asks for the key to be worked on; adding it again while it waits changes nothing, unless it is to be sooner. */
  add(key: string, lane: Lane): void;
  /** There is nothing to do for it any more: work on it that is under way and fails is not tried again. */
  remove(key: string): void;
  readonly size: number;
  load(): QueueLoad;
  stop(): void;
}

export interface PacedQueueOptions {
  /** From `add` to the work, where nothing else waits. */
  readonly delaysMs: Readonly<Record<Lane, number>>;
  /** From the beginning of one piece of work to that of the next. */
  readonly intervalMs: number;
  /** A rejection is reported, and all work pauses: longer, the more keys fail in turn, as that is the API server's trouble. */
  readonly work: (key: string) => Promise<void>;
  readonly onFailure: (key: string, error: unknown) => void;
  /**
   * Whether a failure may concern its key only, and last: then all other work goes on as if it had been well, however many
   * such keys there are, and this key is tried again ever more seldom. Default: none does.
   */
  readonly isKeysOwn?: (error: unknown) => boolean;
  readonly nowMs: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}

interface Waiting {
  readonly lane: Lane;
  readonly key: string;
  readonly dueMs: number;
}

/** A queue with as many keys as there are objects, and no more. What is prompt comes before what has time. */
export function createPacedQueue(options: PacedQueueOptions): PacedQueue {
  const { delaysMs, intervalMs, nowMs, setTimer } = options;
  /** When each key is due; a lane's delay is the same for all, so its first key is due first. */
  const lanes = { prompt: new Map<string, number>(), later: new Map<string, number>() };
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  let working: string | undefined;
  /** That there is nothing to do any more for the key that is worked on. */
  let isTakenBack = false;
  let isStopped = false;
  /** Keys whose work failed since any last succeeded; they wait, or are worked on. */
  const failed = new Set<string>();
  /** Keys that were refused for their own sake, until they succeed; bounded by the keys that there are. */
  const refused = new Map<string, { readonly count: number; readonly cancelRetry: () => void }>();
  /** No work begins before that. */
  let freeMs = 0;

  function firstOf(lane: Lane): Waiting | undefined {
    const [first] = lanes[lane];
    return first === undefined ? undefined : { lane, key: first[0], dueMs: first[1] };
  }

  function next(): Waiting | undefined {
    const [prompt, later] = [firstOf("prompt"), firstOf("later")];
    if (prompt === undefined || later === undefined) return prompt ?? later;
    return prompt.dueMs <= Math.max(nowMs(), later.dueMs) ? prompt : later;
  }

  function schedule(): void {
    const first = next();
    if (working !== undefined || isStopped || first === undefined) return;
    const atMs = Math.max(first.dueMs, freeMs);
    if (timer !== undefined && timer.atMs <= atMs) return;
    timer?.cancel();
    timer = { atMs, cancel: setTimer(run, Math.max(0, atMs - nowMs())) };
  }

  function run(): void {
    timer = undefined;
    const first = next();
    if (isStopped || first === undefined) return;
    if (Math.max(first.dueMs, freeMs) > nowMs()) {
      schedule();
      return;
    }
    lanes[first.lane].delete(first.key);
    freeMs = nowMs() + intervalMs;
    working = first.key;
    isTakenBack = false;
    void workOn(first.key);
  }

  async function workOn(key: string): Promise<void> {
    try {
      await options.work(key);
      failed.clear();
      forget(key);
    } catch (error) {
      options.onFailure(key, error);
      const isOwn = options.isKeysOwn?.(error) ?? false;
      if (!isOwn) failed.add(key);
      freeMs = Math.max(freeMs, nowMs() + Math.max(isOwn ? 0 : pauseOfAllMs(), retryAfterMs(error)));
      if (isTakenBack) forget(key);
      else if (isOwn) addAfterItsPause(key);
      else add(key, "later");
    } finally {
      working = undefined;
      schedule();
    }
  }

  /** One key that fails again and again says nothing about the others. */
  function pauseOfAllMs(): number {
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failed.size - 1)) * (0.5 + options.random());
  }

  function forget(key: string): void {
    failed.delete(key);
    refused.get(key)?.cancelRetry();
    refused.delete(key);
  }

  function addAfterItsPause(key: string): void {
    if (isStopped) return;
    const { count = 0, cancelRetry: cancelLast } = refused.get(key) ?? {};
    cancelLast?.();
    const pauseMs = Math.min(LONGEST_OWN_PAUSE_MS, FIRST_PAUSE_MS * 2 ** count) * (0.5 + options.random());
    // Where there is news of it, it waits in a lane, and what this adds is there already.
    const cancelRetry = setTimer(() => add(key, "later"), pauseMs);
    refused.set(key, { count: count + 1, cancelRetry });
  }

  function add(key: string, lane: Lane): void {
    if (isStopped || lanes.prompt.has(key) || lanes[lane].has(key)) return;
    if (key === working) isTakenBack = false;
    refused.get(key)?.cancelRetry();
    lanes.later.delete(key);
    lanes[lane].set(key, nowMs() + delaysMs[lane]);
    schedule();
  }

  return {
    add,
    remove(key) {
      lanes.prompt.delete(key);
      lanes.later.delete(key);
      forget(key);
      if (key === working) isTakenBack = true;
    },
    get size() {
      return lanes.prompt.size + lanes.later.size;
    },
    load: () => ({ depth: lanes.prompt.size + lanes.later.size, failing: Math.min(1, failed.size + refused.size) }),
    stop() {
      isStopped = true;
      timer?.cancel();
      for (const { cancelRetry } of refused.values()) cancelRetry();
      lanes.prompt.clear();
      lanes.later.clear();
    },
  };
}
