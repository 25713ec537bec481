/**
 * The result of a grant that the operator has not heard of, as it offers the plan again, while another upgrade has ended here
 * since, as one by hand. Told in place of the newer word for a while: only then its slot comes back without its time being over.
 */
import { EventEmitter, once } from "node:events";

import type { PlanName, UpgradeStatus } from "@rancheros/protocol/upgrade";

import type { Ended, Journal } from "../upgrade/index.ts";
import type { LinkOutside } from "./link-outside.ts";

/** The operator writes down that a slot has come back up to 15 s after it has heard so. */
const STANDS_MS = 20_000;

export class UnheardResult {
  readonly #outside: Pick<LinkOutside, "nowMs" | "sleep">;
  readonly #changes = new EventEmitter();
  #ended: Ended | undefined;
  #heardMs: number | undefined;

  constructor(outside: Pick<LinkOutside, "nowMs" | "sleep">) {
    this.#outside = outside;
  }

  /**
   * To be told of each answer: who is offered what has ended once more tells it once more.
   * @param plan  undefined where the operator has none
   */
  offered(plan: PlanName | undefined, { run, history }: Journal): void {
    // Who is under way is not to look as one that is done: what has ended before is told when this has.
    const at = plan === undefined || run !== undefined ? -1 : history.findIndex((ended) => isOf(ended, plan));
    if (at < 1) return;
    this.#ended = history[at];
    this.#heardMs = undefined;
    this.#changes.emit("change");
  }

  /** As the operator is to hear of it. */
  journal(journal: Journal): Journal {
    if (this.#ended === undefined || journal.run !== undefined) return journal;
    return { ...journal, history: [this.#ended, ...journal.history] };
  }

  heard({ plan, attempt, phase }: UpgradeStatus): void {
    const { subject, phase: ended } = this.#ended ?? {};
    if (subject?.planId !== plan || subject?.attempt !== attempt || ended !== phase) return;
    this.#heardMs ??= this.#outside.nowMs();
  }

  /** Resolves when it is to be told, or has stood for long enough, or with the signal. */
  async changed(signal: AbortSignal): Promise<void> {
    const offered = once(this.#changes, "change", { signal });
    await Promise.race([offered, this.#stands(signal)]).catch(() => undefined);
  }

  async #stands(signal: AbortSignal): Promise<void> {
    if (this.#heardMs === undefined) return new Promise(() => undefined);
    await this.#outside.sleep(Math.max(0, this.#heardMs + STANDS_MS - this.#outside.nowMs()), signal);
    this.#ended = undefined;
    this.#heardMs = undefined;
  }
}

function isOf({ subject }: Ended, plan: PlanName): boolean {
  const isSame = subject.planId === plan.id && subject.image === plan.image && subject.attempt === plan.attempt;
  return isSame && !subject.isByHand;
}
