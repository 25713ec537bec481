/** Whether what the operator or a person asks for is to be done: at once, instead of what is under way, or not at all. */
import { PHASES, type Plan } from "@rancheros/protocol/upgrade";

import { isSamePlan } from "./changed-plan.ts";
import { digestOf, type Journal, type Order, type Reason, type Run } from "./journal.ts";

export type OrderVerdict =
  /** Nothing is under way. */
  | { readonly kind: "start" }
  /** It is what is under way, granted anew, or changed in how it is to be done. */
  | { readonly kind: "adopt" }
  /** What is under way is broken off first. */
  | { readonly kind: "replace" }
  /** What is under way is past the switch, or was asked for by hand. */
  | { readonly kind: "later" }
  /** It is under way, or has had its end. */
  | { readonly kind: "known" };

export function judgeOrder({ run, history }: Journal, { plan, isByHand }: Order): OrderVerdict {
  if (run === undefined) {
    const isOver = history.some(
      ({ subject }) =>
        !subject.isByHand &&
        !isByHand &&
        subject.planId === plan.id &&
        subject.image === plan.image &&
        subject.attempt >= plan.attempt,
    );
    return { kind: isOver ? "known" : "start" };
  }
  const present = run.order;
  if (present.isByHand || isByHand) return { kind: present.plan.id === plan.id ? "known" : "later" };
  if (present.plan.id === plan.id && present.plan.image === plan.image) {
    return { kind: isNews(run, plan) ? "adopt" : "known" };
  }
  return { kind: PHASES[run.phase].mayBeSwitched || run.ending !== undefined ? "later" : "replace" };
}

function isNews({ order, phase, ending }: Run, plan: Plan): boolean {
  const present = order.plan;
  if (ending !== undefined || plan.attempt < present.attempt) return false;
  return plan.attempt > present.attempt || (!PHASES[phase].mayBeSwitched && !isSamePlan(present, plan));
}

/** A digest that has failed here is tried again only where the plan says force, or somebody asks for it. */
export function refusalOfDigest({ failedDigests }: Journal, { plan, isByHand }: Order): Reason | undefined {
  const digest = digestOf(plan.reference);
  const failed = failedDigests.find((one) => one.digest === digest);
  if (failed === undefined || plan.force || plan.retry || isByHand) return undefined;
  const when = new Date(failed.atMs).toISOString();
  return { code: "UPGRADE_FAILED_BEFORE", message: `this image failed here at ${when} (${failed.code})` };
}
