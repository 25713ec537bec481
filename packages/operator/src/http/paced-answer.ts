/** A question that costs much is asked once in a while only, for all who want its answer. */

export interface PaceClock {
  readonly nowMs: () => number;
  /** Must not settle before its caller has gone on. */
  readonly sleep: (ms: number) => Promise<unknown>;
}

/**
 * @param intervalMs  how long after it was asked it is asked again
 * @param ask         is called once for all who wait
 * @returns           the same function: who wants it sooner waits, and nobody's answer is older than their question
 */
export function pacedAnswer<Answer>(
  intervalMs: number,
  { nowMs, sleep }: PaceClock,
  ask: () => Promise<Answer>,
): () => Promise<Answer> {
  let askedMs = Number.NEGATIVE_INFINITY;
  let next: Promise<Answer> | undefined;

  async function askInTime(): Promise<Answer> {
    await sleep(Math.max(0, askedMs + intervalMs - nowMs()));
    // Who comes from now on may want to know what this answer does not say yet.
    next = undefined;
    askedMs = nowMs();
    return ask();
  }

  return async () => (next ??= askInTime());
}
