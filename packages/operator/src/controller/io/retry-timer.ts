/** A timer that keeps no process alive. */

/** @returns what cancels it */
export function retryTimer(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
