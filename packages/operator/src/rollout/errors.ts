/** Why a rollout cannot go on, as its conditions say it. */
import { CodedError, type CodedErrorOptions, type ErrorTable } from "@rancheros/protocol/errors";

export type RolloutErrorCode =
  | "ROLLOUT_REFERENCE_MISSING"
  | "ROLLOUT_REFERENCE_INVALID"
  | "ROLLOUT_CONTESTED"
  | "ROLLOUT_NODE_TIMEOUT"
  | "ROLLOUT_BROKEN_OFF";

export const ROLLOUT_ERRORS = {
  ROLLOUT_REFERENCE_MISSING: {
    failure: "environment",
    retry: "backoff",
    meaning: "A Secret or ConfigMap that the ManagedOSImage names does not exist in its namespace.",
    mend: "Create it, or take its name out of imagePullSecrets or envFrom; the operator goes on by itself.",
  },
  ROLLOUT_REFERENCE_INVALID: {
    failure: "usage",
    retry: "backoff",
    meaning: "A Secret, a ConfigMap, an entry of envFrom or a container is not of the form that machines take.",
    mend: "Read the message: it names the object and the field; the operator goes on by itself.",
  },
  ROLLOUT_CONTESTED: {
    failure: "refused",
    retry: "backoff",
    meaning: "The status of the ManagedOSImage was changed again and again while a slot was to be granted.",
    mend: "Nothing to do: the machine asks again. Where it stays so, look for who else writes that status.",
  },
  ROLLOUT_NODE_TIMEOUT: {
    failure: "timeout",
    retry: "never",
    meaning: "A machine was silent, or under way, for longer than nodeTimeout, and has lost its slot.",
    mend: "Look at the machine: ros-agent status. Then annotate its MachineInventory with rancheros.cattle.io/retry-upgrade.",
  },
  ROLLOUT_BROKEN_OFF: {
    failure: "refused",
    retry: "never",
    meaning: "An upgrade was broken off on the machine before the operating system was switched.",
    mend: "Annotate its MachineInventory with rancheros.cattle.io/retry-upgrade to let it try again.",
  },
} as const satisfies ErrorTable<RolloutErrorCode>;

export class RolloutError extends CodedError<RolloutErrorCode> {
  constructor(code: RolloutErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(ROLLOUT_ERRORS, code, message, options);
  }
}
