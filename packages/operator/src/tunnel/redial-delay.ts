/** How long to wait before Rancher is dialled again. */

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** A tunnel that held for so long was a good one. */
export const GOOD_AFTER_MS = 30_000;

/**
 * Doubled with each failure, and half as much more or less: thousands of clusters dial one Rancher when it restarts.
 * @param failures  in a row, 1 or more
 * @param random    from 0 to below 1
 */
export function redialDelayMs(failures: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16)) * (0.5 + random);
}
