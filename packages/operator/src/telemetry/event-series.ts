/**
 * What happens again: one series for each text of an object's reason, and one for all beyond ten of them, as client-go
 * has it. What is remembered is bounded, and forgets first what was quiet longest.
 */
import type { EventFact } from "./event-object.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Of one object and reason, whatever the text: the first ones at once, then a count a minute. */
const EACH = { capacity: 10, perMinute: 1 };
const TEXTS_MAX = 10;
const SERIES_MAX = 1_000;
/** What was quiet for so long has ended; as in client-go. */
const END_MS = 6 * 60_000;
/** An Event's text cannot be changed: so long one stands for those that come after it. */
const COMBINED_MS = 10 * 60_000;

export interface EventSeries {
  /** The last one. */
  fact: EventFact;
  readonly isCombined: boolean;
  readonly bucket: TokenBucket;
  firstMs: number;
  lastMs: number;
  count: number;
  written: number;
  /** Of the count, what earlier Events have told. */
  told: number;
  /** When its turn to be written was last. */
  turnMs: number;
  /** Of the Event, once it is made. */
  name: string | undefined;
}

interface Group {
  readonly bucket: TokenBucket;
  readonly texts: Map<string, EventSeries>;
  combined: EventSeries | undefined;
  lastMs: number;
}

function keyOf({ regarding, reason }: EventFact): string {
  return [regarding.kind, regarding.namespace, regarding.name, regarding.uid ?? "", reason].join("/");
}

function seriesOf({ texts, combined }: Group): readonly EventSeries[] {
  return [...texts.values(), ...(combined === undefined ? [] : [combined])];
}

/** Of which something is to be written, who has waited longest first: all texts share what may be written of a reason. */
function dueOf(group: Group): readonly EventSeries[] {
  const due = seriesOf(group).filter((one) => one.count > one.written);
  return due.toSorted((one, other) => (one.turnMs < other.turnMs ? -1 : Number(one.turnMs > other.turnMs)));
}

function begun(fact: EventFact, isCombined: boolean, bucket: TokenBucket, nowMs: number): EventSeries {
  const none = { count: 0, written: 0, told: 0, turnMs: -Infinity, name: undefined };
  return { fact, isCombined, bucket, firstMs: nowMs, lastMs: nowMs, ...none };
}

/** Its Event says what was so a while ago: it is to be another one, of what has come since it was last written. */
export function beginAnew(series: EventSeries, nowMs: number): void {
  if (!series.isCombined || series.name === undefined || nowMs - series.firstMs < COMBINED_MS) return;
  series.told = series.written;
  series.firstMs = nowMs;
  series.name = undefined;
}

export class EventGroups {
  /** By object and reason, in the order in which they were last heard of. */
  readonly #groups = new Map<string, Group>();
  #size = 0;

  /** How many series there are; never more than a thousand. */
  get size(): number {
    return this.#size;
  }

  /** Counts one. */
  note(fact: EventFact, nowMs: number): EventSeries {
    const key = keyOf(fact);
    const before = this.#groups.get(key);
    const isOver = before !== undefined && nowMs - before.lastMs > END_MS;
    if (before !== undefined) this.#drop(key, before);
    const group: Group =
      before === undefined || isOver
        ? {
            bucket: before?.bucket ?? new TokenBucket(EACH, nowMs),
            texts: new Map(),
            combined: undefined,
            lastMs: nowMs,
          }
        : before;
    const series = group.texts.get(fact.note) ?? this.#begin(group, fact, nowMs);
    series.count += 1;
    series.lastMs = nowMs;
    group.lastMs = nowMs;
    this.#keep(key, group);
    return series;
  }

  /** Of those that have object and reason with this one, and it itself, the one whose turn it is. */
  nextOf(series: EventSeries): EventSeries {
    const group = this.#groups.get(keyOf(series.fact));
    return (group && dueOf(group)[0]) ?? series;
  }

  /** Those of which something is to be written; what has ended is forgotten. */
  unwritten(nowMs: number): readonly EventSeries[] {
    return [...this.#groups].flatMap(([key, group]) => {
      const due = dueOf(group);
      if (due.length === 0 && nowMs - group.lastMs > END_MS) this.#drop(key, group);
      return due;
    });
  }

  #begin(group: Group, fact: EventFact, nowMs: number): EventSeries {
    if (group.texts.size < TEXTS_MAX) {
      const series = begun(fact, false, group.bucket, nowMs);
      group.texts.set(fact.note, series);
      return series;
    }
    const combined = { ...fact, note: `(combined from similar events): ${fact.note}` };
    group.combined ??= begun(combined, true, group.bucket, nowMs);
    group.combined.fact = combined;
    return group.combined;
  }

  #drop(key: string, group: Group): void {
    if (this.#groups.delete(key)) this.#size -= seriesOf(group).length;
  }

  /** As the last one heard of; the one that was longest unused makes room. */
  #keep(key: string, group: Group): void {
    this.#groups.set(key, group);
    this.#size += seriesOf(group).length;
    for (const [oldest, one] of this.#groups) {
      if (this.#size <= SERIES_MAX) break;
      this.#drop(oldest, one);
    }
  }
}
