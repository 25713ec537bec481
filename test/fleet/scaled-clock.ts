/** A clock on which time passes faster, the same one for all processes that are told its beginning and its changes. */
import { setTimeout as sleep } from "node:timers/promises";
import { ChangingTime, type Stretch } from "../operator/changing-time.ts";

export interface ClockScale {
  /** When both clocks show the same, in milliseconds since 1970. */
  readonly epochMs: number;
  /** How many seconds pass on it in one, at first. */
  readonly factor: number;
}

export interface ScaledClock extends ClockScale {
  readonly nowMs: () => number;
  /** @param delayMs  on this clock, at its present pace. Rejects when the signal is given. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** At this moment. */
  readonly factorNow: () => number;
  /** Lets it go on at another pace from soon on. @returns what other processes with this clock are to be told at once */
  readonly change: (factor: number) => Stretch;
}

/** Node takes no longer one, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** So that all know of a change before it counts. */
const LEAD_MS = 1_000;

export function scaledClock({ epochMs, factor }: ClockScale): ScaledClock {
  const time = new ChangingTime({ realMs: epochMs, scaledMs: epochMs, factor });
  const factorNow = (): number => time.factorAt(Date.now());
  return {
    epochMs,
    factor,
    // Whole ones, as a clock's are: an agent takes a journal with others for a broken one.
    nowMs: () => Math.round(time.at(Date.now())),
    sleep: (delayMs, signal) =>
      sleep(Math.max(0, Math.min(delayMs / factorNow(), LONGEST_TIMER_MS)), undefined, { signal }),
    factorNow,
    change: (next) => time.change(Date.now() + LEAD_MS, next),
  };
}
