/** The course of one attempt: which step it is at, and the two ways in which it ends early. */
import { RegistrationError } from "./errors.ts";
import { STEP_WORDS, type RegistrationStep } from "./step.ts";

export interface Course {
  /**
   * Runs one step. It may be left behind when time is up or the user breaks off: then the work sees its signal.
   * @param limitMs  less than what is left of the whole
   * @throws what the work throws; RegistrationError REGISTRATION_TIMED_OUT, REGISTRATION_INTERRUPTED
   */
  run<T>(step: RegistrationStep, work: (signal: AbortSignal) => Promise<T>, limitMs?: number): Promise<T>;
  /** Ends with the whole, for what lives longer than one step. */
  readonly signal: AbortSignal;
}

export interface CourseOptions {
  /** The user's. */
  readonly signal: AbortSignal;
  /** For all steps together, from now on. */
  readonly timeoutMs: number;
  readonly onStep: (step: RegistrationStep) => void;
}

export function startCourse(options: CourseOptions): Course {
  const { signal: interrupt, timeoutMs, onStep } = options;
  const whole = AbortSignal.any([interrupt, AbortSignal.timeout(timeoutMs)]);
  return {
    signal: whole,
    async run(step, work, limitMs) {
      const signal = limitMs === undefined ? whole : AbortSignal.any([whole, AbortSignal.timeout(limitMs)]);
      onStep(step);
      try {
        return await unlessAborted(signal, work);
      } catch (cause) {
        if (interrupt.aborted) {
          throw new RegistrationError("REGISTRATION_INTERRUPTED", `broken off while ${STEP_WORDS[step]}`, { cause });
        }
        if (!signal.aborted) throw cause;
        const seconds = Math.round(Math.min(limitMs ?? timeoutMs, timeoutMs) / 100) / 10;
        throw new RegistrationError("REGISTRATION_TIMED_OUT", `gave up after ${seconds} s while ${STEP_WORDS[step]}`, {
          cause,
          details: { step },
        });
      }
    },
  };
}

async function unlessAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error("aborted"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}
