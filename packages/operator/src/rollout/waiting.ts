/** Why a machine gets no plan now, where no image says it better. */
import { STATUS_MESSAGE_MAX_CHARACTERS, type Waiting } from "@rancheros/protocol/upgrade";

export const NO_IMAGE: Waiting = { reason: "NoImage", message: "no ManagedOSImage is for this machine" };
export const NOT_APPROVED: Waiting = {
  reason: "NotApproved",
  message: "the machine waits until spec.approval is Approved",
};
export const NOT_READY: Waiting = {
  reason: "Queued",
  message: "the operator does not know the cluster at this moment",
};
export const UP_TO_DATE: Waiting = { reason: "UpToDate", message: "the machine runs the image" };
export const QUEUED: Waiting = { reason: "Queued", message: "other machines of the cluster are being upgraded" };
export const ANOTHER_FIRST: Waiting = { reason: "Queued", message: "an earlier plan is to end first on this machine" };
export const FAILED_HERE: Waiting = {
  reason: "FailedHere",
  message:
    "the upgrade went wrong on this machine; another text in the annotation rancheros.cattle.io/retry-upgrade of its MachineInventory lets it try again",
};

/** Machines refuse an answer with a longer message, or with half a character in it. */
export function shortened(waiting: Waiting | undefined): Waiting | undefined {
  if (waiting === undefined) return undefined;
  return { ...waiting, message: waiting.message.slice(0, STATUS_MESSAGE_MAX_CHARACTERS).toWellFormed() };
}
