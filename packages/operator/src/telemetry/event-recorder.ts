/**
 * Writes Events without ever being waited for: what happens again becomes one Event with a count, written at most so
 * often that a flood of refusals is no flood of writes. Best effort: what cannot be written is counted, and forgotten.
 */
import { hasCode } from "@rancheros/protocol/errors";
import { eventName, eventObject, eventsPath, seriesPatch, type EventFact } from "./event-object.ts";
import { beginAnew, EventGroups, type EventSeries } from "./event-series.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Of all together: a fleet that registers at once must not be slowed down by its own Events. */
const ALL = { capacity: 25, perMinute: 300 };
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

export function createEventRecorder(parts: EventRecorderParts): EventRecorder {
  const { nowMs } = parts;
  const groups = new EventGroups();
  const all = new TokenBucket(ALL, nowMs());
  /** In the order in which they are to be written. */
  const due = new Set<EventSeries>();
  let busy = false;
  let writing = Promise.resolve();
  let stopped = false;

  async function create(one: EventSeries): Promise<void> {
    const name = eventName(one.fact, parts.random(8).toString("hex"));
    const body = eventObject(one.fact, name, one.count - one.told, one, parts.instance);
    await parts.send({
      method: "POST",
      path: eventsPath(one.fact.regarding.namespace),
      body,
      timeoutMs: WRITE_TIMEOUT_MS,
    });
    one.name = name;
  }

  async function update(one: EventSeries, name: string): Promise<void> {
    try {
      await parts.send({
        method: "PATCH",
        path: eventsPath(one.fact.regarding.namespace, name),
        body: seriesPatch(one.count - one.told, one.lastMs),
        contentType: "application/merge-patch+json",
        timeoutMs: WRITE_TIMEOUT_MS,
      });
    } catch (error) {
      if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
      // Events are kept for an hour.
      await create(one);
    }
  }

  async function write(one: EventSeries): Promise<void> {
    const { count } = one;
    beginAnew(one, nowMs());
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
    for (const one of due) {
      due.delete(one);
      if (!stopped) await write(one);
    }
    busy = false;
  }

  function wantWrite(one: EventSeries): void {
    const now = nowMs();
    // Asked before it is taken, so that a series that must wait takes nothing from the others.
    if (stopped || due.has(one) || !one.bucket.has(now) || !all.take(now)) return;
    one.bucket.take(now);
    one.turnMs = now;
    due.add(one);
    if (busy) return;
    busy = true;
    writing = writeDue();
  }

  function sweep(): void {
    for (const one of groups.unwritten(nowMs())) wantWrite(one);
  }

  const endSweeps = parts.every(sweep, SWEEP_MS);

  return {
    get size() {
      return groups.size;
    },
    record(fact) {
      wantWrite(groups.nextOf(groups.note(fact, nowMs())));
    },
    async stop() {
      stopped = true;
      endSweeps();
      await writing;
    },
  };
}
