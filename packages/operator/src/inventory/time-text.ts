/** RFC 3339 without fractions, as Kubernetes writes times. */
export function timeText(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[.]\d+Z$/, "Z");
}
