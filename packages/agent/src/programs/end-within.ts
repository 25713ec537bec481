/** Waits for a program that is to end soon, for so long and not longer, whatever it waits for in the kernel. */
import { breakable } from "./breakable.ts";
import type { ProgramEnding, RunningProgram } from "./io/start-program.ts";

export interface EndWithin {
  readonly timeoutMs: number;
  /** From SIGKILL at that time, or with the signal, until it is waited for no longer. Default: two seconds. */
  readonly killedMs?: number;
  readonly signal?: AbortSignal;
}

const KILLED_MS = 2_000;

/** @returns undefined where it was killed and still waits in the kernel. Never rejects. */
export async function endWithin(
  running: RunningProgram,
  { timeoutMs, killedMs = KILLED_MS, signal }: EndWithin,
): Promise<ProgramEnding | undefined> {
  const { ending, breakOff } = breakable(running, { termMs: 0, killedMs });
  const timer = setTimeout(breakOff, timeoutMs);
  signal?.addEventListener("abort", breakOff, { once: true });
  if (signal?.aborted === true) breakOff();
  try {
    return await ending;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", breakOff);
  }
}
