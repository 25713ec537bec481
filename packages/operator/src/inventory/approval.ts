/** Whether a machine was let in. */
import type { Approval } from "@rancheros/protocol/attestation";

/** @param approval  spec.approval; absent is Approved, and what nobody knows waits */
export function approvalOf(approval: string | undefined): Approval {
  if (approval === undefined || approval === "" || approval === "Approved") return "Approved";
  return approval === "Denied" ? "Denied" : "Pending";
}
