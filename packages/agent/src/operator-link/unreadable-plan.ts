/** A plan that this program cannot read: told to whoever waits for it, where the plan still says which one it is. */
import type { AttestationMessageError } from "@rancheros/protocol/attestation";
import type { PlanName } from "@rancheros/protocol/upgrade";

import { UpgradeError } from "../upgrade/index.ts";

export class UnreadablePlan extends UpgradeError {
  /** What of it could be read; undefined where nobody can say which plan it is. */
  readonly plan: PlanName | undefined;

  constructor(cause: AttestationMessageError, plan: PlanName | undefined) {
    super("UPGRADE_PLAN_UNREADABLE", cause.message, { cause });
    this.plan = plan;
  }
}
