/** A clock that goes as fast as the work is done: timers run in their order, and time stands still between them. */

interface Timer {
  readonly atMs: number;
  readonly turn: number;
  readonly run: () => void;
}

export class VirtualTime {
  nowMs = Date.parse("2030-01-01T00:00:00Z");
  readonly #timers = new Set<Timer>();
  #turn = 0;

  readonly setTimer = (run: () => void, delayMs: number): (() => void) => {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), turn: (this.#turn += 1), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(resolve, ms);
    });
  }

  /** Lets time go on until the condition holds, at most so long. @returns whether it holds */
  async until(condition: () => boolean, longestMs: number): Promise<boolean> {
    const endMs = this.nowMs + longestMs;
    for (;;) {
      // All that promises still have to do happens at one moment.
      await new Promise(setImmediate);
      if (condition()) return true;
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.turn < next.turn)) {
          next = timer;
        }
      }
      if (next === undefined || next.atMs > endMs) {
        this.nowMs = endMs;
        return condition();
      }
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
  }

  pass(ms: number): Promise<boolean> {
    return this.until(() => false, ms);
  }
}
