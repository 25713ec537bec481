/** Why a machine cannot be given its inventory now. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";
import type { ObjectMeta } from "@rancheros/protocol/resources";
import { unreadableSentence } from "../controller/index.ts";

export type InventoryErrorCode =
  | "INVENTORY_BEING_DELETED"
  | "INVENTORY_UNCERTAIN"
  | "INVENTORY_UNREADABLE"
  | "INVENTORY_NO_NAME"
  | "INVENTORY_DUPLICATE"
  | "CHALLENGE_USED"
  | "EK_CERTIFICATE_CHANGED"
  | "CLUSTER_NOT_ASSIGNED"
  | "CLUSTER_TOKEN_NOT_ASSIGNED"
  | "CLUSTER_TOKEN_NAME_TAKEN";

export const INVENTORY_ERRORS: ErrorTable<InventoryErrorCode> = {
  INVENTORY_BEING_DELETED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The machine's MachineInventory is being deleted.",
    mend: "Wait until it is gone; kubectl get machineinventories shows it, and a finalizer that stays names who holds it.",
  },
  INVENTORY_UNCERTAIN: {
    failure: "timeout",
    retry: "backoff",
    meaning: "The MachineInventory was made, but the operator has not seen it come back from the API server yet.",
    mend: "Nothing to do: the machine asks again and finds it. Where that lasts, the watch of MachineInventories is behind: look at the load of the API server.",
  },
  INVENTORY_UNREADABLE: {
    failure: "refused",
    // Only people mend it, and thousands of machines may be concerned at once.
    retry: { afterMs: 300_000 },
    meaning:
      "The MachineInventory is stored in a form that this operator cannot read, as one of a newer chart, or of the original operator, may be. Its machine gets nothing meanwhile.",
    mend: "Change the field that the message names (kubectl edit), or run the operator of the chart that it was written for. The machine asks again by itself.",
  },
  INVENTORY_NO_NAME: {
    failure: "refused",
    retry: "backoff",
    meaning: "All names that the machine could have are taken by other machines.",
    mend: "Put something into the registration's machineName that tells machines apart, such as the serial number.",
  },
  INVENTORY_DUPLICATE: {
    failure: "refused",
    retry: "never",
    meaning:
      "Two MachineInventories have the endorsement key of one machine, made by hand, by a restore, or in two namespaces. The one made first is the machine's; the other one gets no machine, and counts in no rollout; of the same registration both count as one machine.",
    mend: "Delete the one that you do not want. Where that is the first one, the other one is the machine's from then on, and says so in its condition Duplicate.",
  },
  CHALLENGE_USED: {
    failure: "refused",
    retry: "backoff",
    meaning: "A challenge was answered twice, or after a later one of the same machine.",
    mend: "An honest machine begins again by itself; if it was none, somebody sends what he has overheard.",
  },
  EK_CERTIFICATE_CHANGED: {
    failure: "refused",
    // Thousands of machines may have got new certificates at once.
    retry: { afterMs: 300_000 },
    meaning: "A known machine shows another endorsement key certificate than the recorded one, or none any more.",
    mend: "Find out why it changed (new firmware, another TPM, a certificate that cannot be read); where that is well, accept it with the command in the condition CertificateChanged of the MachineInventory. The machine asks again by itself.",
  },
  CLUSTER_NOT_ASSIGNED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The MachineInventory names no cluster yet.",
    mend: "Set spec.clusterName and spec.config.role of the MachineInventory; the machine asks again by itself.",
  },
  CLUSTER_TOKEN_NOT_ASSIGNED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The cluster has no registration token for this machine yet.",
    mend: "Check that the cluster named in spec.clusterName exists and that Rancher runs; the machine asks again by itself.",
  },
  CLUSTER_TOKEN_NAME_TAKEN: {
    failure: "refused",
    retry: "backoff",
    meaning: "The machine's long name is cut to the same name of a cluster registration token as another machine's.",
    mend: "Delete its MachineInventory, and give it a shorter name through the registration's machineName; where the token is of no machine any more, delete that.",
  },
};

export class InventoryError extends CodedError<InventoryErrorCode> {
  constructor(code: InventoryErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(INVENTORY_ERRORS, code, message, options);
  }
}

/** A close frame holds the beginning of it, a log line and an answer all of it. */
const UNREADABLE_MAX_CHARACTERS = 800;

/** @param problems  one sentence for each bad field */
export function unreadableError(metadata: ObjectMeta, problems: readonly string[]): InventoryError {
  const sentence = unreadableSentence("MachineInventory", { metadata, problems }, UNREADABLE_MAX_CHARACTERS);
  return new InventoryError("INVENTORY_UNREADABLE", sentence);
}
