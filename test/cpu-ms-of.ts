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
    const beganMs = cpuMs();
    work();
    leastMs = Math.min(leastMs, cpuMs() - beganMs);
  }
  return leastMs;
}

/** The same of work that is waited for, of one look: with whatever else this thread does meanwhile. */
export async function cpuMsOfAwaited(work: () => Promise<void>): Promise<number> {
  const beganMs = cpuMs();
  await work();
  return cpuMs() - beganMs;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
