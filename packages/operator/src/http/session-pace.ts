/**
 * How often a machine with a session may say something of itself, each of which may be one write of the API server's, and
 * ask for something, which may be a slot, decided about on objects that are read anew.
 */
import { RateLimit } from "../registration/index.ts";
import { SessionError } from "./errors.ts";

/** At each replica. Honest ones say one word a second where the deadline of an upgrade is shortest, and report each minute. */
export const WORDS_PER_MINUTE = 120;
/** At each replica. Honest ones ask once a second at most, whatever they are told, and every two where their turn comes next. */
export const ASKS_PER_MINUTE = 300;
/** As many as LateWrites keeps something of. */
const MACHINES_MAX = 20_000;

export interface SessionPace {
  /**
   * Counts a report or a status.
   * @param uid  of the MachineInventory
   * @throws SessionError SESSION_RATE  with the time to wait
   */
  takeWord(uid: string): void;
  /** Counts a question for the machine's plan, or for how it stands. @throws SessionError SESSION_RATE */
  takeAsk(uid: string): void;
}

/** @param steadyMs  a clock that never goes back */
export function createSessionPace(steadyMs: () => number): SessionPace {
  const counted = (perMinute: number, sentence: string) => {
    const limit = new RateLimit(MACHINES_MAX);
    return (uid: string): void => {
      const waitMs = limit.take(uid, perMinute, steadyMs());
      if (waitMs > 0) throw new SessionError("SESSION_RATE", sentence, { retry: { afterMs: waitMs } });
    };
  };
  return {
    takeWord: counted(WORDS_PER_MINUTE, "this machine says more than it should, come back later"),
    takeAsk: counted(ASKS_PER_MINUTE, "this machine asks more often than it should, come back later"),
  };
}
