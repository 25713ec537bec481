/** Times as statuses have them, and which of several comes first. */

/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/[.]\d+Z$/, "Z");
}

/** Undefined where there is none among them. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
