/** Steps of one long story as tests of their own: the time of each is printed, and after a failure the rest is skipped. */
import { it } from "vitest";

export interface Story {
  /** @param timeoutMs  a deadline for what hangs, not a measure */
  readonly step: (name: string, timeoutMs: number, run: () => Promise<void>) => void;
}

/**
 * @param onFailure  gathers what helps to see why; its text becomes part of the failure
 */
export function tell(onFailure: () => Promise<string>): Story {
  let hasFailed = false;
  return {
    step(name, timeoutMs, run) {
      it(name, { timeout: timeoutMs + 60_000 }, async ({ skip }) => {
        if (hasFailed) skip("an earlier step failed");
        const beganMs = performance.now();
        try {
          await run();
        } catch (cause) {
          hasFailed = true;
          const message = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`${message}\n${await onFailure().catch(String)}`, { cause });
        }
        process.stdout.write(`metal: ${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${name}\n`);
      });
    },
  };
}
