/** How often a machine with a session may say something of itself: each word may be one write of the API server's. */
import { RateLimit } from "../registration/index.ts";
import { SessionError } from "./errors.ts";

/** At each replica. Honest ones say one word a second where the deadline of an upgrade is shortest, and report each minute. */
export const WORDS_PER_MINUTE = 120;
/** As many as LateWrites keeps something of. */
const MACHINES_MAX = 20_000;

export interface SessionPace {
  /**
   * Counts a report or a status.
   * @param uid  of the MachineInventory
   * @throws SessionError SESSION_RATE  with the time to wait
   */
  take(uid: string): void;
}

/** @param steadyMs  a clock that never goes back */
export function createSessionPace(steadyMs: () => number): SessionPace {
  const limit = new RateLimit(MACHINES_MAX);
  return {
    take(uid) {
      const waitMs = limit.take(uid, WORDS_PER_MINUTE, steadyMs());
      if (waitMs === 0) return;
      throw new SessionError("SESSION_RATE", "this machine says more than it should, come back later", {
        retry: { afterMs: waitMs },
      });
    },
  };
}
