/** When the time is over that a plan gives until the switch, also where it gets another time meanwhile. */
import type { HostPort } from "./ports.ts";

/** As long as a timer of Node can wait; a plan has up to 31 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class PlanTime {
  readonly #host: Pick<HostPort, "sleep">;
  readonly #leftMs: () => number;
  #change = new AbortController();

  /** @param leftMs  by what the plan says in that moment */
  constructor(host: Pick<HostPort, "sleep">, leftMs: () => number) {
    this.#host = host;
    this.#leftMs = leftMs;
  }

  /** Given at the next change. */
  get changed(): AbortSignal {
    return this.#change.signal;
  }

  change(): void {
    this.#change.abort();
    this.#change = new AbortController();
  }

  /** @returns what is given when the time is over; it is not waited for any more when `over` is given */
  late(over: AbortSignal): AbortSignal {
    const deadline = new AbortController();
    void this.#untilLate(over).then(
      () => deadline.abort(),
      () => undefined,
    );
    return deadline.signal;
  }

  async #untilLate(over: AbortSignal): Promise<void> {
    for (let left = this.#leftMs(); left > 0; left = this.#leftMs()) {
      const either = AbortSignal.any([over, this.changed]);
      await this.#host.sleep(Math.min(left, LONGEST_TIMER_MS), either).catch(() => undefined);
      over.throwIfAborted();
    }
  }
}
