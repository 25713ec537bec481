/** A plan that ends before it begins, since nobody here can read it: its slot comes back, and the operator hears why. */
import type { PlanName } from "@rancheros/protocol/upgrade";

import { reasonFrom } from "./journal-edits.ts";
import { HISTORY_MAX, subjectOfPlan, type Ended, type Journal } from "./journal.ts";
import type { Moment } from "./moment.ts";

/**
 * @param error  why nothing can be done with it; says nothing about the image, which other plans may bring
 * @returns the same journal while an upgrade is under way, and for a grant that has had its end
 */
export function refusePlan(
  journal: Journal,
  plan: PlanName,
  error: { readonly code: string; readonly message: string },
  now: Moment,
): Journal {
  const isOver = journal.history.some(
    ({ subject }) =>
      !subject.isByHand &&
      subject.planId === plan.id &&
      subject.image === plan.image &&
      subject.attempt >= plan.attempt,
  );
  if (journal.run !== undefined || isOver) return journal;
  const times = { startedMs: now.wallMs, endedMs: now.wallMs, bootId: now.bootId };
  const reason = reasonFrom(error);
  const ended: Ended = { subject: subjectOfPlan(plan, false), phase: "Failed", reason, message: undefined, ...times };
  return { ...journal, history: [ended, ...journal.history].slice(0, HISTORY_MAX) };
}
