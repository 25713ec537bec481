/** A clock on which time passes faster, the same one for all processes that are told its beginning. */
import { setTimeout as sleep } from "node:timers/promises";

export interface ClockScale {
  /** When both clocks show the same, in milliseconds since 1970. */
  readonly epochMs: number;
  /** How many seconds pass on it in one. */
  readonly factor: number;
}

export interface ScaledClock extends ClockScale {
  readonly nowMs: () => number;
  /** @param delayMs  on this clock. Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** Node takes no longer one, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function scaledClock({ epochMs, factor }: ClockScale): ScaledClock {
  return {
    epochMs,
    factor,
    nowMs: () => epochMs + (Date.now() - epochMs) * factor,
    sleep: (delayMs, signal) => sleep(Math.min(delayMs / factor, LONGEST_TIMER_MS), undefined, { signal }),
  };
}
