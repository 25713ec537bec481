/** Spreads bytes over time, so that a pull leaves room on the node's line. */

export interface RateLimit {
  /** @returns milliseconds to wait before these bytes are passed on */
  readonly take: (bytes: number, nowMs: number) => number;
}

/** How much may come at once after a pause. */
const BURST_MS = 250;

/** @param bytesPerSecond  undefined for none */
export function rateLimit(bytesPerSecond: number | undefined): RateLimit {
  if (bytesPerSecond === undefined) return { take: () => 0 };
  const msPerByte = 1000 / bytesPerSecond;
  /** When all that was taken so far has been paid for. */
  let paidMs = Number.NEGATIVE_INFINITY;
  return {
    take(bytes, nowMs) {
      paidMs = Math.max(paidMs, nowMs - BURST_MS) + bytes * msPerByte;
      return Math.max(0, paidMs - nowMs);
    },
  };
}
