/** Trying again what may go well later: not for ever, not at once, and not all machines at the same moment. */
import { isCodedError, type CodedError, type Retry } from "@rancheros/protocol/errors";
import { AGENT_SILENT_MAX_MS } from "@rancheros/protocol/upgrade";

import { RegistrationError } from "./errors.ts";

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** A TPM that has no room or no time still after so many attempts needs a person too. */
const PASSING_TPM_FAILURES = 8;
/** For what only a person can mend. */
const FIRST_LASTING_DELAY_MS = 60_000;

/**
 * How long to wait after a failure.
 * @param failures  how many there were, this one included
 * @param random    from 0 to 1: spreads machines that were switched on together
 * @returns milliseconds, `undefined` where trying again cannot help
 */
export function retryDelayMs(retry: Retry, failures: number, random: number): number | undefined {
  if (retry === "never") return undefined;
  if (retry === "backoff") {
    const ceilingMs = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS);
    return ceilingMs * (0.5 + 0.5 * random);
  }
  // Never earlier than the server asked for, and never at once: a date that our clock takes for past asks for no waiting at all.
  const afterMs = Math.max(retry.afterMs, FIRST_DELAY_MS);
  return afterMs + Math.min(afterMs, LONGEST_DELAY_MS) * 0.5 * random;
}

/**
 * The same for a daemon, which nobody starts again: a machine may be approved once more, and a server be mended. Only what
 * is wrong in the daemon's own command line ends it.
 * @returns milliseconds, `undefined` where the daemon shall end
 */
export function daemonRetryDelayMs(error: CodedError, failures: number, random: number): number | undefined {
  if (error.failure === "usage" || error.failure === "interrupted") return undefined;
  const passing = retryDelayMs(error.retry, failures, random);
  const lasting = passing === undefined ? failures : error.failure === "tpm" ? failures - PASSING_TPM_FAILURES : 0;
  if (passing !== undefined && lasting <= 0) return passing;
  const ceilingMs = Math.min(FIRST_LASTING_DELAY_MS * 2 ** (lasting - 1), AGENT_SILENT_MAX_MS);
  return ceilingMs * (0.5 + 0.5 * random);
}

export interface RetryPolicy {
  /** No new attempt begins later than this after the first; 0 for one attempt. Infinity: as a daemon, see daemonRetryDelayMs. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly onRetry: (error: CodedError, delayMs: number) => void;
  /** Another attempt might help, and would begin too late. Told where there was to be waiting at all. */
  readonly onGaveUp?: (attempts: number, afterMs: number) => void;
}

export interface RetryOutside {
  /** Of a clock that nobody sets: a machine's own may jump from 1970 to today while it waits. */
  readonly elapsedMs: () => number;
  readonly random: () => number;
  /** Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** @throws what the last attempt threw; RegistrationError REGISTRATION_INTERRUPTED when the signal ends the waiting */
export async function withRetries<T>(
  outside: RetryOutside,
  policy: RetryPolicy,
  attempt: () => Promise<T>,
): Promise<T> {
  const startedMs = outside.elapsedMs();
  const endMs = startedMs + policy.waitMs;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isCodedError(error)) throw error;
      const delayMs =
        policy.waitMs === Number.POSITIVE_INFINITY
          ? daemonRetryDelayMs(error, failures, outside.random())
          : retryDelayMs(error.retry, failures, outside.random());
      if (delayMs === undefined) throw error;
      if (outside.elapsedMs() + delayMs > endMs) {
        if (policy.waitMs > 0) policy.onGaveUp?.(failures, outside.elapsedMs() - startedMs);
        throw error;
      }
      policy.onRetry(error, delayMs);
      await outside.sleep(delayMs, policy.signal).catch((cause: unknown) => {
        throw new RegistrationError("REGISTRATION_INTERRUPTED", "the waiting for the next attempt was broken off", {
          cause,
        });
      });
    }
  }
}
