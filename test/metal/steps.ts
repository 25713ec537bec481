/** Steps of one long story as tests of their own: the time of each is printed, and after a failure the rest is skipped. */
import { it } from "vitest";

export interface Story {
  /** @param timeoutMs  a deadline for what hangs, not a measure */
  readonly step: (name: string, timeoutMs: number, run: () => Promise<void>) => void;
}

export interface Telling {
  /** Gathers what helps to see why; its text becomes part of the failure. */
  readonly onFailure: () => Promise<string>;
  /** The first step that is run; those before it were, in an earlier run. Default 1. */
  readonly from?: number;
  /** Before the first step, where it is not the very first: makes everything as it was then. */
  readonly resume?: () => Promise<void>;
  /** After a step. @param next  the number of the one that follows */
  readonly onPassed?: (next: number) => Promise<void>;
}

export function tell({ onFailure, from = 1, resume, onPassed }: Telling): Story {
  let hasFailed = false;
  let steps = 0;
  return {
    step(name, timeoutMs, run) {
      steps += 1;
      const number = steps;
      it(name, { timeout: timeoutMs + 60_000 }, async ({ skip }) => {
        if (number < from) skip("what it makes was kept");
        if (hasFailed) skip("an earlier step failed");
        if (number === from) await resume?.();
        const beganMs = performance.now();
        try {
          await run();
        } catch (cause) {
          hasFailed = true;
          const message = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`${message}\n${await onFailure().catch(String)}`, { cause });
        }
        const seconds = ((performance.now() - beganMs) / 1000).toFixed(0).padStart(4);
        process.stdout.write(`metal: ${seconds} s  ${number}. ${name}\n`);
        await onPassed?.(number + 1);
      });
    },
  };
}
