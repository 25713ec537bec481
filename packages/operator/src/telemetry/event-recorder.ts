/**
 * Writes Events without ever being waited for: what happens again becomes one Event with a count, written at most so
 * often that a flood of refusals is no flood of writes. Best effort: what cannot be written is counted, and forgotten.
 */
import { hasCode } from "@rancheros/protocol/errors";
import { eventName, eventObject, eventsPath, seriesPatch, type EventFact } from "./event-object.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Of one object and reason: the first ones at once, then a count a minute. */
const EACH = { capacity: 10, perMinute: 1 };
/** Of all together: a fleet that registers at once must not be slowed down by its own Events. */
const ALL = { capacity: 25, perMinute: 300 };
const SERIES_MAX = 1_000;
/** A series that was quiet for so long has ended; as in client-go. */
const SERIES_END_MS = 6 * 60_000;
const SWEEP_MS = 10_000;
const WRITE_TIMEOUT_MS = 5_000;

/** What the recorder needs of the API server; controller/io/kubernetes.ts has it. */
export interface EventRequest {
  readonly method: "POST" | "PATCH";
  readonly path: string;
  readonly body: unknown;
  readonly contentType?: string;
  readonly timeoutMs: number;
}

export interface EventRecorderParts {
  readonly send: (request: EventRequest) => Promise<unknown>;
  /** Since the epoch. */
  readonly nowMs: () => number;
  readonly random: (bytes: number) => Buffer;
  /** Runs again and again, and keeps no process alive. @returns what ends it */
  readonly every: (run: () => void, periodMs: number) => () => void;
  /** Which operator this is. */
  readonly instance: string;
  readonly onWritten: (result: "written" | "failed") => void;
  readonly onTrouble: (error: unknown) => void;
}

export interface EventRecorder {
  /** Takes note, and returns at once. */
  record(fact: EventFact): void;
  /** How many series are remembered; never more than a thousand. */
  readonly size: number;
  /** Writes no more; settles when the write under way has ended. */
  stop(): Promise<void>;
}

interface Series {
  readonly fact: EventFact;
  readonly bucket: TokenBucket;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  written: number;
  /** Of the Event, once it is made. */
  name: string | undefined;
}

function keyOf({ regarding, reason }: EventFact): string {
  return [regarding.kind, regarding.namespace, regarding.name, regarding.uid ?? "", reason].join("/");
}

export function createEventRecorder(parts: EventRecorderParts): EventRecorder {
  const { nowMs } = parts;
  const series = new Map<string, Series>();
  const all = new TokenBucket(ALL, nowMs());
  /** Keys, in the order in which they are to be written. */
  const due = new Set<string>();
  let busy = false;
  let writing = Promise.resolve();
  let stopped = false;

  async function create(one: Series): Promise<void> {
    const name = eventName(one.fact, parts.random(8).toString("hex"));
    const body = eventObject(one.fact, name, one.count, one, parts.instance);
    await parts.send({
      method: "POST",
      path: eventsPath(one.fact.regarding.namespace),
      body,
      timeoutMs: WRITE_TIMEOUT_MS,
    });
    one.name = name;
  }

  async function update(one: Series, name: string): Promise<void> {
    try {
      await parts.send({
        method: "PATCH",
        path: eventsPath(one.fact.regarding.namespace, name),
        body: seriesPatch(one.count, one.lastMs),
        contentType: "application/merge-patch+json",
        timeoutMs: WRITE_TIMEOUT_MS,
      });
    } catch (error) {
      if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
      // Events are kept for an hour.
      await create(one);
    }
  }

  async function write(one: Series): Promise<void> {
    const { count } = one;
    // Whatever comes of it, this much is done with: what failed is not tried again by itself.
    one.written = count;
    try {
      await (one.name === undefined ? create(one) : update(one, one.name));
      parts.onWritten("written");
    } catch (error) {
      parts.onWritten("failed");
      parts.onTrouble(error);
    }
  }

  async function writeDue(): Promise<void> {
    for (const key of due) {
      due.delete(key);
      const one = series.get(key);
      if (one !== undefined && !stopped) await write(one);
    }
    busy = false;
  }

  function wantWrite(key: string, one: Series): void {
    const now = nowMs();
    // Asked before it is taken, so that a series that must wait takes nothing from the others.
    if (stopped || due.has(key) || !one.bucket.has(now) || !all.take(now)) return;
    one.bucket.take(now);
    due.add(key);
    if (busy) return;
    busy = true;
    writing = writeDue();
  }

  function sweep(): void {
    const now = nowMs();
    for (const [key, one] of series) {
      if (one.count > one.written) wantWrite(key, one);
      else if (now - one.lastMs > SERIES_END_MS) series.delete(key);
    }
  }

  const endSweeps = parts.every(sweep, SWEEP_MS);

  return {
    get size() {
      return series.size;
    },
    record(fact) {
      const key = keyOf(fact);
      const now = nowMs();
      let one = series.get(key);
      // Taken out and put in again, the one that was longest unused comes first.
      series.delete(key);
      if (one === undefined || now - one.lastMs > SERIES_END_MS) {
        const bucket = one?.bucket ?? new TokenBucket(EACH, now);
        one = { fact, bucket, firstMs: now, lastMs: now, count: 0, written: 0, name: undefined };
      }
      one.count += 1;
      one.lastMs = now;
      if (series.size >= SERIES_MAX) for (const oldest of series.keys()) if (series.delete(oldest)) break;
      series.set(key, one);
      wantWrite(key, one);
    },
    async stop() {
      stopped = true;
      endSweeps();
      await writing;
    },
  };
}
