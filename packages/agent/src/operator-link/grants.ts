/** What the operator grants, on its way into the journal. Where none can be written, the grant ends all the same, and its slot comes back. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { Plan, PlanAnswer, PlanName } from "@rancheros/protocol/upgrade";

import {
  orderOfPlan,
  reasonFrom,
  refusePlan,
  type HostPort,
  type Journal,
  type OrderVerdict,
  type Reason,
  type Upgrades,
} from "../upgrade/index.ts";
import type { PlanTrouble } from "./plan-trouble.ts";

/** So long a disk has time to get room again, as kubelets make it. */
export const UNSAVED_PATIENCE_MS = 60_000;

export interface GrantsOutside {
  readonly upgrades: Pick<Upgrades, "journal" | "offer" | "amend">;
  readonly now: HostPort["now"];
  readonly planTrouble: PlanTrouble;
  readonly log: (message: string) => void;
}

export class Grants {
  readonly #outside: GrantsOutside;
  /** The grant that could not be taken the last time, and since when, by the clock that nobody sets. */
  #untaken: { readonly plan: PlanName; readonly sinceMs: number } | undefined;
  /** A grant that has ended though the journal on the disk does not say so yet. */
  #ended: { readonly plan: PlanName; readonly reason: Reason; readonly now: ReturnType<HostPort["now"]> } | undefined;

  constructor(outside: GrantsOutside) {
    this.#outside = outside;
  }

  /** As the disk has it, and with the end that it has no room for. */
  journal(): Journal {
    const journal = this.#outside.upgrades.journal();
    if (this.#ended === undefined) return journal;
    const { plan, reason, now } = this.#ended;
    return refusePlan(journal, plan, reason, now);
  }

  /** To be told of each answer, before its plan is offered. */
  async answered({ plan }: PlanAnswer): Promise<void> {
    if (plan === undefined) {
      this.#untaken = undefined;
      this.#outside.planTrouble.note(undefined);
    }
    await this.#writeEnd();
  }

  /** @throws coded errors, of what is to be tried again soon; they stand in the log and in the status */
  async offer(plan: Plan): Promise<OrderVerdict> {
    const { upgrades, planTrouble } = this.#outside;
    if (this.#ended !== undefined && isSameGrant(this.#ended.plan, plan)) return { kind: "known" };
    try {
      const verdict = await upgrades.offer(orderOfPlan(plan));
      this.#untaken = undefined;
      // What is carried out now is a later grant.
      if (verdict.kind === "start") this.#ended = undefined;
      planTrouble.note(undefined);
      return verdict;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      if (!this.#isOver(plan)) {
        this.#note(reasonFrom(error));
        throw error;
      }
      const message = `not begun within ${UNSAVED_PATIENCE_MS / 1000} s: ${error.message}`;
      await this.refuse(plan, reasonFrom({ code: error.code, message }));
      return { kind: "known" };
    }
  }

  /** The grant ends as Failed before it begins: not while an upgrade is under way, after which it comes again. */
  async refuse(plan: PlanName, reason: Reason): Promise<void> {
    const { upgrades, now } = this.#outside;
    if (upgrades.journal().run === undefined) {
      this.#untaken = undefined;
      this.#ended = { plan, reason, now: now() };
    }
    this.#note(reason);
    await this.#writeEnd();
  }

  #note(reason: Reason): void {
    const { planTrouble, log } = this.#outside;
    if (planTrouble.note(reason)) log(`${reason.message} (${reason.code})`);
  }

  /** Whether it was tried for long enough. What is under way comes to its own end first. */
  #isOver(plan: PlanName): boolean {
    const { upgrades, now } = this.#outside;
    const { uptimeMs } = now();
    if (this.#untaken === undefined || !isSameGrant(this.#untaken.plan, plan)) {
      this.#untaken = { plan, sinceMs: uptimeMs };
    }
    return upgrades.journal().run === undefined && uptimeMs - this.#untaken.sinceMs >= UNSAVED_PATIENCE_MS;
  }

  /** So that an agent that is started again knows of it too; tried again with the next answer. */
  async #writeEnd(): Promise<void> {
    const ended = this.#ended;
    if (ended === undefined) return;
    const { upgrades } = this.#outside;
    try {
      await upgrades.amend((journal) => refusePlan(journal, ended.plan, ended.reason, ended.now));
      // Beside an upgrade by hand nothing was written.
      if (upgrades.journal().run === undefined && this.#ended === ended) this.#ended = undefined;
    } catch (error) {
      if (!isCodedError(error)) throw error;
    }
  }
}

function isSameGrant(one: PlanName, other: PlanName): boolean {
  return one.id === other.id && one.image === other.image && one.attempt === other.attempt;
}
