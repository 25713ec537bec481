import { setTimeout as sleep } from "node:timers/promises";

const INSIST_MS = 300_000;

/**
 * The API server may be away while a machine restarts.
 * @param signal  ends the insisting; what failed last is thrown
 */
export async function insist(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + INSIST_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (performance.now() < deadlineMs) await sleep(200, undefined, { signal }).catch(() => undefined);
      else throw error;
      if (signal.aborted) throw error;
    }
  }
}
