/** Times as statuses have them, and which of several comes first. */

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/[.]\d+Z$/, "Z");
}

/** Replicas go by the API servers' clocks, which differ by less. */
export const AHEAD_MAX_MS = 60_000;

/**
 * A time at which something has happened. One that is yet to come was written while a clock was wrong: it may be years
 * ahead, and nothing is to wait for it. Kubernetes stores some that nobody can read.
 * @returns the text itself, or the present where it is one of those
 */
export function notAhead(text: string, nowMs: number): string {
  return Date.parse(text) <= nowMs + AHEAD_MAX_MS ? text : timeText(nowMs);
}

/** Undefined where there is none among them. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
