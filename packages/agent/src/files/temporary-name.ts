/** What a file or folder is called until it is whole. */

/** With what is added, a name may have 255 bytes. */
const KEPT_BYTES = 200;

/** One name for all attempts, so that what a killed one has left is found by the next. */
export function temporaryName(name: string): string {
  const kept = Buffer.from(name).subarray(0, KEPT_BYTES).toString("utf8");
  // The last character may be cut in half.
  return `.${kept.replace(/\uFFFD$/, "")}.ros-agent.tmp`;
}
