/** Why the operator's last plan cannot be read, for the status until one can be. */
import { EventEmitter, once } from "node:events";

import type { Reason } from "../upgrade/index.ts";

export class PlanTrouble {
  #present: Reason | undefined;
  readonly #changes = new EventEmitter();

  get present(): Reason | undefined {
    return this.#present;
  }

  /** @returns whether that is news */
  note(trouble: Reason | undefined): boolean {
    if (trouble?.message === this.#present?.message) return false;
    this.#present = trouble;
    this.#changes.emit("change");
    return true;
  }

  /** Resolves at the next change, or with the signal; who has gone leaves nothing behind. */
  async changed(signal: AbortSignal): Promise<void> {
    await once(this.#changes, "change", { signal }).catch(() => undefined);
  }
}
