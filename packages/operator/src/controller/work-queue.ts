/** Keys to work on: each at most once in the queue, one at a time, again after a pause where the work failed. */
import { isInvalid } from "./is-invalid.ts";
import { retryAfterMs } from "./retry-after.ts";

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 30_000;
/** Of what the API server calls invalid: news of the object are not kept waiting by it. */
const LONGEST_INVALID_MS = 10 * 60_000;
/** A failure that says when to come back is believed that far. */
const LONGEST_WANTED_MS = 3_600_000;

/** How much there is to do. */
export interface QueueLoad {
  /** Keys that wait for their turn. */
  readonly depth: number;
  /** Keys whose work failed the last time and is to be tried again; not those that wait for others. */
  readonly failing: number;
}

export interface WorkQueue {
  /** Asks for the key to be worked on; adding it again while it waits changes nothing. */
  add(key: string): void;
  load(): QueueLoad;
  stop(): void;
}

export interface WorkQueueOptions {
  /** Does the work of one key; a rejection is reported and tried again later. */
  readonly work: (key: string) => Promise<void>;
  readonly onFailure: (key: string, error: unknown) => void;
  /** How long the other side of a failure wants to be left alone, in milliseconds; default: as the API server says. */
  readonly wantedMs?: (error: unknown) => number;
  /**
   * Of work that waits for what others have to do: mean of its longest pause; it counts as no failure. undefined, and
   * default: it is a failure.
   */
  readonly awaitedMs?: (error: unknown) => number | undefined;
  /**
   * Mean of the longest pause after a failure that names none; default 30 s. Ten minutes where the API server calls the
   * object invalid.
   */
  readonly longestDelayMs?: number;
  /** 0 to 1; spreads the retries of many keys. */
  readonly random: () => number;
  /** @returns what cancels it */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
}

/** A queue with as many keys as there are objects, and no more. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const waiting = new Set<string>();
  const failures = new Map<string, number>();
  /** What cancels the retry of a key: one each, however often the key is added in the meantime. */
  const retries = new Map<string, () => void>();
  /** Keys for which the other side asked for patience: also news of them wait for their retry. */
  const patient = new Set<string>();
  /** Keys among the failures that wait for others. */
  const awaiting = new Set<string>();
  let running = false;
  let stopped = false;

  function cancelRetry(key: string): void {
    retries.get(key)?.();
    retries.delete(key);
  }

  async function workOn(key: string): Promise<void> {
    cancelRetry(key);
    patient.delete(key);
    try {
      await options.work(key);
      failures.delete(key);
      awaiting.delete(key);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      options.onFailure(key, error);
      const awaitedMs = options.awaitedMs?.(error);
      if (awaitedMs === undefined) awaiting.delete(key);
      else awaiting.add(key);
      const longestMs =
        awaitedMs ?? (isInvalid(error) ? LONGEST_INVALID_MS : (options.longestDelayMs ?? LONGEST_DELAY_MS));
      const backoffMs = Math.min(longestMs, FIRST_DELAY_MS * 2 ** count) * (0.5 + options.random());
      // Never sooner than the other side wants it.
      const wantedMs = Math.min(LONGEST_WANTED_MS, (options.wantedMs ?? retryAfterMs)(error));
      const delayMs = Math.max(backoffMs, wantedMs * (1 + options.random() / 10));
      if (stopped) return;
      if (wantedMs > 0) {
        patient.add(key);
        waiting.delete(key);
      }
      const again = (): void => {
        patient.delete(key);
        add(key);
      };
      retries.set(key, options.setTimer(again, delayMs));
    }
  }

  async function run(): Promise<void> {
    running = true;
    for (const key of waiting) {
      if (stopped) break;
      waiting.delete(key);
      await workOn(key);
    }
    running = false;
  }

  function add(key: string): void {
    if (stopped || patient.has(key)) return;
    waiting.add(key);
    if (!running) void run();
  }

  return {
    add,
    load: () => ({ depth: waiting.size, failing: failures.size - awaiting.size }),
    stop() {
      stopped = true;
      waiting.clear();
      for (const key of retries.keys()) cancelRetry(key);
    },
  };
}
