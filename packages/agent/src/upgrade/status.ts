/** What the operator is told of an upgrade on this machine. */
import { PROTOCOL_VERSION } from "@rancheros/protocol/attestation";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";

import { subjectOf, type Journal, type Reason, type Subject } from "./journal.ts";

/** Of the upgrade under way, or of the last one that ended. */
export function statusOf({ run, history }: Journal, bootId: string): UpgradeStatus {
  const [last] = history;
  if (run !== undefined) {
    const reason = run.ending?.reason ?? run.lastError;
    return {
      ...about(subjectOf(run.order)),
      phase: run.phase,
      ...said(reason, run.ending?.message ?? run.message),
      bootId,
    };
  }
  if (last !== undefined) {
    return { ...about(last.subject), phase: last.phase, ...said(last.reason, last.message), bootId };
  }
  const nothing = { plan: undefined, image: undefined, attempt: 0, digest: undefined };
  return { protocol: PROTOCOL_VERSION, ...nothing, phase: "Idle", ...said(undefined, undefined), bootId };
}

function about({ isByHand, planId, image, attempt, digest }: Subject) {
  const plan = isByHand ? { plan: undefined, image: undefined, attempt: 0 } : { plan: planId, image, attempt };
  return { protocol: PROTOCOL_VERSION, ...plan, digest };
}

function said(reason: Reason | undefined, message: string | undefined): Pick<UpgradeStatus, "reason" | "message"> {
  return { reason: reason?.code, message: reason?.message ?? message };
}
