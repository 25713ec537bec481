/** Whether this machine's clock can be right. */
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

export interface ClockFacts {
  readonly nowMs: number;
  /** What the operator's server says; undefined where nobody does. */
  readonly serverMs: number | undefined;
  /** Whether something keeps it right; undefined where nobody can be asked. */
  readonly isKept: boolean | undefined;
}

/** This program did not exist before. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Headers have whole seconds, and answers take their time. */
const TOLERATED_MS = 30_000;
/** From here on sessions and nonces are refused. */
const WRONG_MS = 5 * 60_000;

/** @throws DoctorError DOCTOR_CLOCK_WRONG */
export function judgeClock({ nowMs, serverMs, isKept }: ClockFacts): Verdict<undefined> {
  const here = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) throw wrong(`it is ${here} here, which cannot be`);
  if (serverMs === undefined) {
    if (isKept === false) {
      const message = `it is ${here} here; nothing keeps the clock right, and the operator's time is not known`;
      return warn(new DoctorError("DOCTOR_CLOCK_UNKEPT", message));
    }
    return ok(
      isKept === true ? `${here}, kept right by time synchronisation` : `${here}, with nothing to compare it with`,
    );
  }
  const differenceMs = nowMs - serverMs;
  const awayMs = Math.abs(differenceMs);
  if (awayMs > TOLERATED_MS) {
    const message = `it is ${here} here, ${spanText(awayMs)} ${differenceMs > 0 ? "ahead of" : "behind"} the operator's server`;
    if (awayMs >= WRONG_MS) throw wrong(message, differenceMs);
    return warn(wrong(message, differenceMs));
  }
  return ok(`agrees with the operator's${isKept === false ? ", although nothing keeps it right" : ""}`);
}

function wrong(message: string, differenceMs?: number): DoctorError {
  return new DoctorError(
    "DOCTOR_CLOCK_WRONG",
    message,
    differenceMs === undefined ? {} : { details: { differenceMs } },
  );
}

function spanText(spanMs: number): string {
  const seconds = Math.round(spanMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
