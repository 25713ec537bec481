/** A clock that stands still while anything can happen, and then jumps to the next moment for which somebody waits. */
import { setImmediate as nextTurn } from "node:timers/promises";

import type { DrainOutside } from "../../../src/drain/course.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Milliseconds since 1970 at the beginning. */
export const START_MS = Date.UTC(2026, 0, 1);

export class VirtualTime implements DrainOutside {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];

  readonly nowMs = (): number => this.#nowMs;
  /** The node's own clock, which may be wrong. */
  readonly wallMs = (): number => START_MS + this.#nowMs;
  readonly random = (): number => 0.5;

  readonly sleep = (delayMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(new Error("aborted"));
      };
      const sleeper = {
        atMs: this.#nowMs + delayMs,
        wake: () => {
          signal.removeEventListener("abort", fail);
          resolve();
        },
      };
      if (signal.aborted) return fail();
      signal.addEventListener("abort", fail, { once: true });
      this.#sleepers.push(sleeper);
    });

  /** How many wait for a moment that has not come. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Runs until the work ends. @throws what the work throws; Error where nothing would ever happen again */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    void work
      .catch(() => undefined)
      .finally(() => {
        isDone = true;
      });
    for (;;) {
      await nextTurn();
      if (isDone) return work;
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, one) => (first === undefined || one.atMs < first.atMs ? one : first),
        undefined,
      );
      if (next === undefined) throw new Error(`nothing happens any more at ${this.#nowMs} ms`);
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      this.#nowMs = next.atMs;
      next.wake();
    }
  }
}
