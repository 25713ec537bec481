/** Asking an API server again that is away, late or busy, as long as there is time. */
import { NodeApiError, isPassing } from "../kubernetes/index.ts";
import type { Course, DrainOutside } from "./course.ts";
import type { DrainEvent } from "./drain-event.ts";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/**
 * How long to wait after a failure that may pass.
 * @param failures  how many there were in a row, this one included
 * @param random    from 0 to 1: spreads nodes that lost the same API server
 * @returns milliseconds, never earlier than the server asked for, and never at once
 */
export function patienceMs({ retry }: NodeApiError, failures: number, random: number): number {
  if (typeof retry === "object") return Math.max(retry.afterMs, FIRST_DELAY_MS) + 500 * random;
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS) * (0.5 + 0.5 * random);
}

/**
 * @param mayPass  which failures are worth another attempt; an end of the time ends them all
 * @returns what `ask` returns; undefined where the time was over before it succeeded
 * @throws what `ask` throws and trying again cannot mend; DrainError DRAIN_INTERRUPTED
 */
export async function askPatiently<T>(
  outside: Pick<DrainOutside, "random">,
  course: Course,
  onEvent: (event: DrainEvent) => void,
  ask: () => Promise<T>,
  mayPass: (error: NodeApiError) => boolean = isPassing,
): Promise<T | undefined> {
  for (let failures = 1; ; failures++) {
    try {
      const answer = await ask();
      if (failures > 1) onEvent({ kind: "answered" });
      return answer;
    } catch (error) {
      if (!(error instanceof NodeApiError) || !mayPass(error)) throw error;
      if (course.isOver()) return undefined;
      const retryInMs = patienceMs(error, failures, outside.random());
      onEvent({ kind: "retry", message: error.message, retryInMs });
      await course.pause(retryInMs);
    }
  }
}
