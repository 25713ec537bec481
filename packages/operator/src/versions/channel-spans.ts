/** How often a channel is read and how long that may take: what is written, within what is used. */
import { durationMs, type ManagedOSVersionChannel } from "@rancheros/protocol/resources";

interface SpanLimits {
  readonly fallbackMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

type Written = number | string | undefined;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const INTERVAL: SpanLimits = { fallbackMs: HOUR_MS, leastMs: MINUTE_MS, mostMs: 30 * 24 * HOUR_MS };
export const TIMEOUT: SpanLimits = { fallbackMs: 30_000, leastMs: SECOND_MS, mostMs: 5 * MINUTE_MS };
export const POD_TIMEOUT: SpanLimits = { fallbackMs: 600_000, leastMs: 10 * SECOND_MS, mostMs: HOUR_MS };

/** @returns milliseconds to go by; what is no duration is told, and the default stands for it */
export function span(value: Written, limits: SpanLimits, field: string, problem: (text: string) => void): number {
  const ms = value === undefined ? limits.fallbackMs : durationMs(value);
  if (ms === undefined) {
    problem(`${field}: ${JSON.stringify(value)} is no duration`);
    return limits.fallbackMs;
  }
  return Math.min(limits.mostMs, Math.max(limits.leastMs, ms));
}

/** Of limits, which are whole hours, minutes or seconds. */
function limitText(ms: number): string {
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS}h`;
  return ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS}m` : `${ms / SECOND_MS}s`;
}

function remarkOn(value: Written, { leastMs, mostMs }: SpanLimits, field: string): readonly string[] {
  const ms = value === undefined ? undefined : durationMs(value);
  if (ms === undefined || (ms >= leastMs && ms <= mostMs)) return [];
  const why = ms < leastMs ? `less than the least, ${limitText(leastMs)}` : `more than the most, ${limitText(mostMs)}`;
  return [`${field}: ${value} is ${why}, which is used`];
}

/** One sentence for each span that is not gone by as it is written; the original took any, so that none is refused. */
export function spanRemarks({ spec }: ManagedOSVersionChannel): readonly string[] {
  const timeout = spec.type === "custom" ? POD_TIMEOUT : TIMEOUT;
  return [
    ...remarkOn(spec.syncInterval, INTERVAL, "spec.syncInterval"),
    ...remarkOn(spec.options?.timeout, timeout, "spec.options.timeout"),
  ];
}
