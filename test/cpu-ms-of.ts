/** How much of the processor a piece of work takes: for tests of what must not grow faster than its input. */

/** What is linear takes a part of it for a megabyte; what grows with the square of its input takes minutes. */
export const SOON_MS = 5_000;
/** What V8 does at one moment makes one reading slow; work that grows too fast is slow every time. */
const LOOKS = 3;

/**
 * The least of some looks, of this thread: neither what others do on the machine nor the compiler in the background counts.
 * It is not looked again once that was soon.
 */
export function cpuMsOf(work: () => void, soonMs = SOON_MS): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS && leastMs >= soonMs; look += 1) {
    const { user, system } = process.threadCpuUsage();
    work();
    const after = process.threadCpuUsage();
    leastMs = Math.min(leastMs, (after.user + after.system - user - system) / 1_000);
  }
  return leastMs;
}
