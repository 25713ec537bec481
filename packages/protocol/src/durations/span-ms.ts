/** A duration as it is written, within what is used of it. */
import { durationMs } from "./duration-ms.ts";

export interface SpanLimits {
  readonly fallbackMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

/** As a resource has it; undefined where it says nothing. */
export type WrittenSpan = number | string | undefined;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** @returns milliseconds to go by; undefined where what is written is no duration */
export function spanMs(value: WrittenSpan, { fallbackMs, leastMs, mostMs }: SpanLimits): number | undefined {
  const ms = value === undefined ? fallbackMs : durationMs(value);
  return ms === undefined ? undefined : Math.min(mostMs, Math.max(leastMs, ms));
}

/** Of limits, which are whole hours, minutes or seconds. */
function limitText(ms: number): string {
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS}h`;
  return ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS}m` : `${ms / SECOND_MS}s`;
}

/** A sentence where it is not gone by as it is written. @param field  spec.x.y */
export function spanRemark(value: WrittenSpan, { leastMs, mostMs }: SpanLimits, field: string): string | undefined {
  const ms = value === undefined ? undefined : durationMs(value);
  if (ms === undefined || (ms >= leastMs && ms <= mostMs)) return undefined;
  const why = ms < leastMs ? `less than the least, ${limitText(leastMs)}` : `more than the most, ${limitText(mostMs)}`;
  return `${field}: ${value} is ${why}, which is used`;
}
