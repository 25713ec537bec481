/**
 * Writes that the API server calls invalid, as Kubernetes 1.29 does with each write to an object that was stored before a
 * rule which it breaks: the same object is written to again after minutes, and a changed one at once.
 */
import { isInvalid } from "./is-invalid.ts";

/** Mean; somebody may have changed the rules. */
const PAUSE_MS = 10 * 60_000;

interface Held {
  readonly resourceVersion: string;
  readonly error: unknown;
  readonly untilMs: number;
}

export class RefusedWrites {
  /** Bounded by the objects that there are. */
  readonly #held = new Map<string, Held>();
  readonly #nowMs: () => number;
  readonly #random: () => number;

  /** @param random  0 to 1 */
  constructor(nowMs: () => number, random: () => number) {
    this.#nowMs = nowMs;
    this.#random = random;
  }

  /** @throws what `write` throws; where that was lately, of the same object, the same without a try */
  async attempt<Result>(key: string, resourceVersion: string, write: () => Promise<Result>): Promise<Result> {
    const held = this.#held.get(key);
    if (held?.resourceVersion === resourceVersion && this.#nowMs() < held.untilMs) throw held.error;
    this.#held.delete(key);
    try {
      return await write();
    } catch (error) {
      const untilMs = this.#nowMs() + PAUSE_MS * (0.75 + this.#random() / 2);
      if (isInvalid(error)) this.#held.set(key, { resourceVersion, error, untilMs });
      throw error;
    }
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#held.delete(key);
  }
}
