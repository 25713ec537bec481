/** How long to wait before the next attempt. */
import { isCodedError } from "@rancheros/protocol/errors";

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;

/**
 * @param failures  in a row, this one included
 * @param random    from 0 to 1: spreads nodes that lost the same registry at the same moment
 * @returns milliseconds, undefined where trying again cannot help
 */
export function backOffMs(error: unknown, failures: number, random: number): number | undefined {
  if (!isCodedError(error) || error.retry === "never") return undefined;
  const ceilingMs = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 10), LONGEST_DELAY_MS);
  const ownMs = ceilingMs * (0.5 + 0.5 * random);
  return error.retry === "backoff" ? ownMs : error.retry.afterMs + ownMs;
}
