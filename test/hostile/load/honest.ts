/** Honest machines that register while somebody else makes trouble: asked to come back, they do. */
import { setTimeout as sleep } from "node:timers/promises";
import { visit } from "../../machine/visit.ts";
import type { SoftwareTpm } from "../../software-tpm/index.ts";

const TRIES = 5;
const COME_BACK_MS = 500;

export interface HonestRun {
  readonly registered: number;
  /** Visits that were asked to come back, or broke. */
  readonly comeBacks: number;
  readonly durationMs: number;
  readonly perSecond: number;
}

/** @param atOnce  how many are under way at one time */
export async function registerAll(url: string, tpms: readonly SoftwareTpm[], atOnce: number): Promise<HonestRun> {
  const left = [...tpms];
  let registered = 0;
  let comeBacks = 0;

  async function register(tpm: SoftwareTpm): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const outcome = await visit({ url, tpm }).catch(() => undefined);
      if (outcome?.payload !== undefined) {
        registered += 1;
        return;
      }
      comeBacks += 1;
      await sleep(COME_BACK_MS);
    }
  }

  const start = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let tpm = left.pop(); tpm !== undefined; tpm = left.pop()) await register(tpm);
    }),
  );
  const durationMs = performance.now() - start;
  return { registered, comeBacks, durationMs, perSecond: (registered / durationMs) * 1_000 };
}
