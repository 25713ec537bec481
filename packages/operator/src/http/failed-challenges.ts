/** How often one source may answer challenges wrongly. */
import { hasCode } from "@rancheros/protocol/errors";
import { RateLimit, sourceOf } from "../registration/index.ts";
import { SessionError } from "./errors.ts";

/** As with registration tokens: some megabytes. */
const MAX_SOURCES = 20_000;

export interface FailedChallenges {
  /**
   * Takes note of what came of an answer.
   * @returns the error to tell: the same, or CHALLENGE_RATE with the time to wait
   */
  noted(error: unknown, remoteAddress: string | undefined): unknown;
}

/**
 * Only wrong answers are counted and made to wait: a source may be the proxy that all machines come through, and nobody
 * behind it is to shut the others out.
 * @param steadyMs  a clock that never goes back
 */
export function createFailedChallenges(perMinute: number, steadyMs: () => number): FailedChallenges {
  const limit = new RateLimit(MAX_SOURCES);
  return {
    noted(error, remoteAddress) {
      if (!hasCode(error, "CHALLENGE_FAILED") && !hasCode(error, "PROOF_WRONG")) return error;
      const waitMs = limit.take(sourceOf(remoteAddress), perMinute, steadyMs());
      if (waitMs === 0) return error;
      const retry = { afterMs: waitMs };
      const message = "too many wrong answers to challenges from this address, come back later";
      return new SessionError("CHALLENGE_RATE", message, { retry, cause: error });
    },
  };
}
