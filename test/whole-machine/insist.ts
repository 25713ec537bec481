import { setTimeout as sleep } from "node:timers/promises";

const INSIST_MS = 300_000;

/** The API server may be away while a machine restarts. */
export async function insist(work: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + INSIST_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(200);
    }
  }
}
