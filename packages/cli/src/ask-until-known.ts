/** Asks for what does not change until it is told, less and less often. */

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

export interface AskOutside {
  readonly nowMs: () => number;
  /** From 0 to 1: spreads machines that were switched on together. */
  readonly random: () => number;
}

/**
 * Asks at once. Where that told nothing, a later call asks again, after a pause that doubles up to an hour; until then
 * nothing is known.
 * @param ask  gives undefined where nothing is told
 */
export function askUntilKnown<T>(ask: () => Promise<T | undefined>, outside: AskOutside): () => Promise<T | undefined> {
  let failures = 0;
  let againAtMs = Number.POSITIVE_INFINITY;
  const attempt = async (): Promise<T | undefined> => {
    againAtMs = Number.POSITIVE_INFINITY;
    const known = await ask();
    if (known === undefined) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      failures += 1;
      againAtMs = outside.nowMs() + pauseMs * (0.5 + 0.5 * outside.random());
    }
    return known;
  };
  let answer = attempt();
  return async () => {
    const known = await answer;
    if (known !== undefined || outside.nowMs() < againAtMs) return known;
    answer = attempt();
    return answer;
  };
}
