/** The challenges that this replica has seen answered, for as long as they could be answered once more. */
import { CHALLENGE_LIFETIME_MS } from "@rancheros/protocol/attestation";
import { CLOCK_SKEW_MS } from "../session/index.ts";

/** More than --max-sessions machines a second; beyond that the inventories' own memory has to do. */
const LIMIT = 100_000;

export interface UsedChallenges {
  /** @returns false where it was used before */
  use(id: string, nowMs: number): boolean;
}

export function createUsedChallenges(): UsedChallenges {
  // In the order of their use, which is that of their end.
  const usedAtMs = new Map<string, number>();
  return {
    use(id, nowMs) {
      for (const [oldest, atMs] of usedAtMs) {
        if (nowMs - atMs <= CHALLENGE_LIFETIME_MS + CLOCK_SKEW_MS && usedAtMs.size < LIMIT) break;
        usedAtMs.delete(oldest);
      }
      if (usedAtMs.has(id)) return false;
      usedAtMs.set(id, nowMs);
      return true;
    },
  };
}
