/** An operator that says again and again that it does not want this machine: it has given the slot to another one long since. */
import { isMachineRefused } from "../registration/index.ts";

/** An operator that was just started may know a machine a moment later. */
export const REFUSED_PATIENCE_MS = 30_000;
/** Between two questions, until it is clear. */
const REFUSED_DELAY_MS = 10_000;

export class LastingRefusal {
  #sinceMs: number | undefined;

  /** Any other answer, and none at all, says that it may still be wanted. @returns whether it has lasted for long enough */
  note(error: unknown, nowMs: number): boolean {
    this.#sinceMs = isMachineRefused(error) ? (this.#sinceMs ?? nowMs) : undefined;
    return this.#sinceMs !== undefined && nowMs - this.#sinceMs >= REFUSED_PATIENCE_MS;
  }

  /** @returns when to ask again, as long as it is not clear; undefined where nobody refuses */
  delayMs(random: number): number | undefined {
    return this.#sinceMs === undefined ? undefined : REFUSED_DELAY_MS * (1 + 0.5 * random);
  }
}
