/** Steps of one long story as tests of their own: the time of each is printed, and after a failure the rest is skipped. */
import { appendFileSync } from "node:fs";
import { it } from "vitest";

export function tellTime(seconds: number, what: string): void {
  tellFigure(seconds, "s ", what);
}

/** On the spot, and for scripts/test, which repeats it at its end. @param unit  of two letters */
export function tellFigure(figure: number, unit: string, what: string): void {
  const line = `${figure.toFixed(0).padStart(5)} ${unit}  ${what}\n`;
  process.stdout.write(`metal: ${line}`);
  const { RANCHEROS_METAL_TIMES: file = "" } = process.env;
  if (file !== "") appendFileSync(file, line);
}

export interface Story {
  /** @param timeoutMs  a deadline for what hangs, not a measure */
  readonly step: (name: string, timeoutMs: number, run: () => Promise<void>) => void;
  /** The same; the short way leaves it out, so what follows must not need it. */
  readonly aside: Story["step"];
}

export interface Telling {
  /** Without what lies aside. */
  readonly isShort?: boolean;
  /** Where steps only look at what others have timed. Default true. */
  readonly tellsTimes?: boolean;
  /** Gathers what helps to see why; its text becomes part of the failure. */
  readonly onFailure: () => Promise<string>;
  /** The first step that is run; those before it were, in an earlier run. Default 1. */
  readonly from?: number;
  /** Before the first step, where it is not the very first: makes everything as it was then. */
  readonly resume?: () => Promise<void>;
  /** After a step. @param next  the number of the one that follows */
  readonly onPassed?: (next: number) => Promise<void>;
}

export function tell({ isShort = false, tellsTimes = true, onFailure, from = 1, resume, onPassed }: Telling): Story {
  let hasFailed = false;
  let isResumed = false;
  let steps = 0;
  const story: Story = {
    aside(name, timeoutMs, run) {
      if (isShort) steps += 1;
      else story.step(name, timeoutMs, run);
    },
    step(name, timeoutMs, run) {
      steps += 1;
      const number = steps;
      it(name, { timeout: timeoutMs + 60_000 }, async ({ skip }) => {
        if (number < from) skip("what it makes was kept");
        if (hasFailed) skip("an earlier step failed");
        if (!isResumed) await resume?.();
        isResumed = true;
        const beganMs = performance.now();
        try {
          await run();
        } catch (cause) {
          hasFailed = true;
          const message = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`${message}\n${await onFailure().catch(String)}`, { cause });
        }
        if (tellsTimes) tellTime((performance.now() - beganMs) / 1000, `${number}. ${name}`);
        await onPassed?.(number + 1);
      });
    },
  };
  return story;
}
