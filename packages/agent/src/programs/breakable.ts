/** How a program is ended before its time, and what becomes of one that not even SIGKILL ends. */
import type { RunningProgram } from "./io/start-program.ts";

export interface BreakOffTimes {
  /** From SIGTERM to SIGKILL, in milliseconds; 0: SIGKILL at once. */
  readonly termMs: number;
  /** From SIGKILL until it is waited for no longer: who waits in the kernel, as for a disk, does not end. */
  readonly killedMs: number;
}

export interface BreakableProgram<Ending> {
  /** Undefined where it was killed and is waited for no longer. Never rejects. */
  readonly ending: Promise<Ending | undefined>;
  /** Does nothing where that was done before, or where it has ended. */
  readonly breakOff: () => void;
}

/** @param running  whose ending nobody else waits for */
export function breakable<Ending>(
  running: RunningProgram<Ending>,
  { termMs, killedMs }: BreakOffTimes,
): BreakableProgram<Ending> {
  const stuck = Promise.withResolvers<undefined>();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const giveUp = (): void => {
    running.abandon();
    stuck.resolve(undefined);
  };
  const kill = (): void => {
    running.kill("SIGKILL");
    timer = setTimeout(giveUp, killedMs);
  };
  return {
    ending: Promise.race([running.ending, stuck.promise]).finally(() => {
      isOver = true;
      clearTimeout(timer);
    }),
    breakOff() {
      if (isOver) return;
      isOver = true;
      if (termMs === 0) return kill();
      running.kill("SIGTERM");
      timer = setTimeout(kill, termMs);
    },
  };
}
