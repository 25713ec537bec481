/** What is heard beside the status and says that the slot may be lost: the status is told at once then, and its answer knows. */
import { EventEmitter, once } from "node:events";

import { PHASES, type PlanName } from "@rancheros/protocol/upgrade";

import type { Run } from "../upgrade/index.ts";

export class SlotDoubt {
  #count = 0;
  readonly #changes = new EventEmitter();

  /** How often there was reason for it. */
  get count(): number {
    return this.#count;
  }

  raise(): void {
    this.#count += 1;
    this.#changes.emit("raise");
  }

  /**
   * An operator that has taken the slot back has no plan for this machine any more, or another one.
   * @param told  undefined where there is none, or the machine itself is refused
   */
  compare(told: PlanName | undefined, run: Run | undefined): void {
    if (run === undefined || run.order.isByHand || run.ending !== undefined) return;
    if (PHASES[run.phase].mayBeSwitched || told?.id === run.order.plan.id) return;
    this.raise();
  }

  /** Resolves with the next reason, or with the signal. */
  async raised(signal: AbortSignal): Promise<void> {
    await once(this.#changes, "raise", { signal }).catch(() => undefined);
  }
}
