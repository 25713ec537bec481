/** The plan under way as the operator tells it by now: what is no part of its name may have been changed meanwhile. */
import type { Plan } from "@rancheros/protocol/upgrade";
import { isDeepStrictEqual } from "node:util";

import type { Run } from "./journal.ts";

/** By value: in whichever order its keys come, and whether what is absent is named. */
export function isSamePlan(one: Plan, other: Plan): boolean {
  return isSameValue(one, other);
}

/** Whether what is done in this moment was begun by what is different now. All else is looked up when its turn comes. */
export function isBegunOtherwise({ phase, order }: Run, { cordon, drain }: Plan): boolean {
  const { plan } = order;
  return phase === "Draining" && !isSameValue([plan.cordon, plan.drain], [cordon, drain]);
}

function isSameValue(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}
