/** The conditions of a MachineInventory: what its machine proved, and whether it was let in. */
import type { TrustClass } from "@rancheros/protocol/attestation";
import type { MachineInventory, MachineInventoryStatus } from "@rancheros/protocol/resources";
import { approvalOf } from "./approval.ts";

export type Condition = NonNullable<MachineInventoryStatus["conditions"]>[number];
/** A condition without its time. */
export type Finding = Pick<Condition, "type" | "status" | "reason" | "message">;

const CLASSES: readonly TrustClass[] = ["hardware", "virtual", "none"];

/** @returns undefined for a class that is not known here */
export function trustClassOf(text: string | undefined): TrustClass | undefined {
  return CLASSES.find((one) => one === text);
}

export const ATTESTED: Readonly<Record<TrustClass, Finding>> = {
  hardware: {
    type: "Attested",
    status: "True",
    reason: "Hardware",
    message: "a maker of TPM chips vouches for the endorsement key",
  },
  virtual: {
    type: "Attested",
    status: "True",
    reason: "Virtual",
    message: "a hypervisor's maker vouches for the endorsement key",
  },
  none: {
    type: "Attested",
    status: "False",
    reason: "NotProved",
    message: "the machine holds its endorsement key, and nobody that is trusted vouches for that key",
  },
};

/** What `spec.approval` says, as a condition. */
export function approvalFinding(inventory: MachineInventory): Finding {
  const approval = approvalOf(inventory.spec.approval);
  const messages = {
    Approved: "the machine gets its configuration",
    Pending: "the machine waits until spec.approval is Approved",
    Denied: "the machine gets nothing",
  } as const;
  return {
    type: "Approved",
    status: approval === "Approved" ? "True" : "False",
    reason: approval,
    message: messages[approval],
  };
}

/** @returns the old ones themselves where nothing is new */
export function withFindings(
  old: readonly Condition[],
  findings: readonly Finding[],
  now: string,
): readonly Condition[] {
  let conditions = old;
  for (const finding of findings) {
    const before = conditions.find((one) => one.type === finding.type);
    const { status, reason, message } = finding;
    if (before?.status === status && before.reason === reason && before.message === message) continue;
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    conditions = [...conditions.filter((one) => one.type !== finding.type), { ...finding, lastTransitionTime }];
  }
  return conditions;
}
