/** Durations as users write them: a Go duration string, integer seconds, or the original's integer nanoseconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
};
// A CEL string takes no backslash as it is: a dot stands in brackets.
const PART = "([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h)";
/** Pattern of a Go duration string without a sign, fit for CEL. */
export const GO_DURATION = `^(0|(${PART})+)$`;

/** From this integer on, a number is nanoseconds, as the original operator stored time.Duration. */
export const NANOSECONDS_FROM = 1_000_000_000;

/** 292 years, Go's longest. Whoever writes more means for ever, and adding it to a time leads to no date any more. */
const LONGEST_MS = 2 ** 63 / 1e6;

/**
 * Milliseconds of a duration field.
 * @param value  Go duration string ("1h30m", "300ms"), integer seconds, or integer nanoseconds from 10^9 on
 * @returns      milliseconds, not negative, at most 292 years; undefined where the value is no duration
 * Source: Go time.ParseDuration (without the sign); ManagedOSImage.spec.drain of the operator document
 */
export function durationMs(value: string | number): number | undefined {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || value < 0) return undefined;
    return Math.min(value >= NANOSECONDS_FROM ? value / 1e6 : value * 1e3, LONGEST_MS);
  }
  if (value.length > 64 || !new RegExp(GO_DURATION).test(value)) return undefined;
  let totalMs = 0;
  for (const match of value.matchAll(new RegExp(PART, "g"))) {
    totalMs += Number(match[1]) * (UNIT_MS[match[3] ?? ""] ?? Number.NaN);
  }
  return Number.isFinite(totalMs) ? Math.min(totalMs, LONGEST_MS) : undefined;
}
