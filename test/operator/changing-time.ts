/** Time that passes at a pace which changes: the same one for all who are told the same changes. Milliseconds since 1970. */

export interface Stretch {
  /** When it begins, by the real clock. */
  readonly realMs: number;
  /** What the other clock shows then. */
  readonly scaledMs: number;
  /** How many seconds pass on that clock in one. */
  readonly factor: number;
}

export class ChangingTime {
  /** The one that counts, and those that come. */
  readonly #stretches: Stretch[];

  constructor(first: Stretch) {
    this.#stretches = [first];
  }

  at(realMs: number): number {
    const { realMs: beganMs, scaledMs, factor } = this.#stretchAt(realMs);
    return scaledMs + (realMs - beganMs) * factor;
  }

  factorAt(realMs: number): number {
    return this.#stretchAt(realMs).factor;
  }

  /** @param next  that begins after all those before it */
  add(next: Stretch): void {
    this.#stretches.push(next);
  }

  /** @returns the stretch that goes on at another pace from then on, where those before it end; it counts from now on */
  change(fromMs: number, factor: number): Stretch {
    const last = this.#stretches.at(-1);
    const realMs = Math.max(fromMs, last?.realMs ?? fromMs);
    const scaledMs = last === undefined ? realMs : last.scaledMs + (realMs - last.realMs) * last.factor;
    const next = { realMs, scaledMs, factor };
    this.add(next);
    return next;
  }

  #stretchAt(realMs: number): Stretch {
    for (let next = this.#stretches[1]; next !== undefined && realMs >= next.realMs; next = this.#stretches[1]) {
      this.#stretches.shift();
    }
    const [present] = this.#stretches;
    if (present === undefined) throw new Error("time has no beginning");
    return present;
  }
}
