/** Asks the operator for this machine's plan, at the operator's pace, and at once when an upgrade has ended. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { Plan, PlanAnswer } from "@rancheros/protocol/upgrade";

import { askDelayMs, daemonRetryDelayMs } from "../registration/index.ts";
import type { AskedPlan, TaggedPlan } from "./ask-plan.ts";
import type { LinkEvents } from "./link-events.ts";
import { pause, type LinkOutside } from "./link-outside.ts";
import { UnreadablePlan } from "./unreadable-plan.ts";

export interface PlanLoop {
  readonly ask: (last: TaggedPlan | undefined) => Promise<AskedPlan>;
  /** Offered each time, also when it is the same: the machine knows what it has done. Who throws has said why, and is offered it again. */
  readonly onPlan: (plan: Plan) => Promise<void>;
  readonly onAnswer: (answer: PlanAnswer) => Promise<void>;
  /** Told each time: the operator has answered, and not what this program can read. */
  readonly onUnreadable: (plan: UnreadablePlan) => Promise<void>;
  /** Resolves when the machine has come to rest, or with the signal. */
  readonly rested: (signal: AbortSignal) => Promise<void>;
  readonly events: LinkEvents;
}

/** @returns with the signal. @throws what no trying again mends: what is wrong in the agent's own command line */
export async function runPlanLoop(outside: LinkOutside, loop: PlanLoop, signal: AbortSignal): Promise<void> {
  let last: TaggedPlan | undefined;
  for (let failures = 0; !signal.aborted;) {
    let delayMs: number;
    let hasAnswered = false;
    try {
      const { tagged, nextAskInSeconds } = await askOnce(loop, last);
      last = tagged;
      hasAnswered = true;
      loop.events.onReached();
      await loop.onAnswer(tagged.answer);
      if (tagged.answer.plan !== undefined) await loop.onPlan(tagged.answer.plan);
      failures = 0;
      delayMs = askDelayMs(nextAskInSeconds, outside.random());
    } catch (error) {
      if (signal.aborted) return;
      const again = isCodedError(error) ? daemonRetryDelayMs(error, ++failures, outside.random()) : undefined;
      if (again === undefined) throw error;
      delayMs = again;
      if (!hasAnswered && !(error instanceof UnreadablePlan)) loop.events.onTrouble("plan", error, delayMs);
    }
    await pause(outside, delayMs, signal, loop.rested);
  }
}

async function askOnce({ ask, onUnreadable }: PlanLoop, last: TaggedPlan | undefined): Promise<AskedPlan> {
  try {
    return await ask(last);
  } catch (error) {
    if (error instanceof UnreadablePlan) await onUnreadable(error);
    throw error;
  }
}
