/** How often a channel is read and how long that may take: what is written, within what is used. */
import { spanMs, spanRemark, type SpanLimits, type WrittenSpan } from "@rancheros/protocol/durations";
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const INTERVAL: SpanLimits = { fallbackMs: HOUR_MS, leastMs: MINUTE_MS, mostMs: 30 * 24 * HOUR_MS };
export const TIMEOUT: SpanLimits = { fallbackMs: 30_000, leastMs: SECOND_MS, mostMs: 5 * MINUTE_MS };
export const POD_TIMEOUT: SpanLimits = { fallbackMs: 600_000, leastMs: 10 * SECOND_MS, mostMs: HOUR_MS };

/** @returns milliseconds to go by; what is no duration is told, and the default stands for it */
export function span(value: WrittenSpan, limits: SpanLimits, field: string, problem: (text: string) => void): number {
  const ms = spanMs(value, limits);
  if (ms === undefined) problem(`${field}: ${JSON.stringify(value)} is no duration`);
  return ms ?? limits.fallbackMs;
}

/** One sentence for each span that is not gone by as it is written; the original took any, so that none is refused. */
export function spanRemarks({ spec }: ManagedOSVersionChannel): readonly string[] {
  const timeout = spec.type === "custom" ? POD_TIMEOUT : TIMEOUT;
  return [
    spanRemark(spec.syncInterval, INTERVAL, "spec.syncInterval"),
    spanRemark(spec.options?.timeout, timeout, "spec.options.timeout"),
  ].filter((remark) => remark !== undefined);
}
