/** How often something may happen: a number of times at once, and then at a steady rate. */

export interface TokenBucketLimits {
  /** How many are there at the start, and at most. */
  readonly capacity: number;
  readonly perMinute: number;
}

export class TokenBucket {
  readonly #limits: TokenBucketLimits;
  #tokens: number;
  #filledMs: number;

  /** @param nowMs  of a clock that never goes back */
  constructor(limits: TokenBucketLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = limits.capacity;
    this.#filledMs = nowMs;
  }

  /** Takes a token, if there is one. @returns whether there was */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }

  has(nowMs: number): boolean {
    const grown = ((nowMs - this.#filledMs) / 60_000) * this.#limits.perMinute;
    this.#tokens = Math.min(this.#limits.capacity, this.#tokens + Math.max(0, grown));
    this.#filledMs = nowMs;
    return this.#tokens >= 1;
  }
}
