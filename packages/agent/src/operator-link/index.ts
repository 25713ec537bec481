/** The talk of a machine that has joined with the operator: its plan, its status. */
export { HeardWord } from "./heard-word.ts";
export { askPlan } from "./ask-plan.ts";
export type { AskedPlan, TaggedPlan } from "./ask-plan.ts";
export { Grants } from "./grants.ts";
export { confirmSlot } from "./confirm-slot.ts";
export type { LinkEvents } from "./link-events.ts";
export type { LinkOutside } from "./link-outside.ts";
export { PlanTrouble } from "./plan-trouble.ts";
export { runPlanLoop } from "./plan-loop.ts";
export type { PlanLoop } from "./plan-loop.ts";
export { runStatusLoop } from "./status-loop.ts";
export type { StatusLoop } from "./status-loop.ts";
export { SlotDoubt } from "./slot-doubt.ts";
export { UnheardResult } from "./unheard-result.ts";
export { UnreadablePlan } from "./unreadable-plan.ts";
export { tellStatus } from "./tell-status.ts";
