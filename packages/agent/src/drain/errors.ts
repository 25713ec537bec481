/** What can keep a node from being drained. */
import { CodedError } from "@rancheros/protocol/errors";
import type { CodedErrorOptions, ErrorTable } from "@rancheros/protocol/errors";

import type { PodName } from "./node-pod.ts";

export type DrainErrorCode =
  "DRAIN_FAILED" | "DRAIN_INTERRUPTED" | "DRAIN_OPTIONS_INVALID" | "DRAIN_REFUSED" | "DRAIN_TIMED_OUT";

export const DRAIN_ERRORS = {
  DRAIN_OPTIONS_INVALID: {
    failure: "usage",
    retry: "never",
    meaning: "An option of the drain is not one; the message names it.",
    mend: "Give it as `kubectl drain --help` describes it.",
  },
  DRAIN_REFUSED: {
    failure: "refused",
    retry: "never",
    meaning:
      "There are pods on the node that the options do not allow to be removed. Nothing was evicted; the node stays cordoned.",
    mend: "Move or delete the named pods, or allow it: ignoreDaemonSets, deleteLocalData, force (as flags: --ignore-daemonsets, --delete-emptydir-data, --force).",
  },
  DRAIN_TIMED_OUT: {
    failure: "timeout",
    retry: "backoff",
    meaning:
      "Pods were still there when the time for the drain was over. Those that went stay away; the node stays cordoned.",
    mend: "Look at the named pods and PodDisruptionBudgets: `kubectl get pdb -A`, `kubectl describe pod`; allow more time, or drain again.",
  },
  DRAIN_FAILED: {
    failure: "refused",
    retry: "never",
    meaning: "The API server refused for good to remove a pod. The others were removed; the node stays cordoned.",
    mend: "Read the message: it names the pod and the reason, such as two PodDisruptionBudgets over one pod; mend that and drain again.",
  },
  DRAIN_INTERRUPTED: {
    failure: "interrupted",
    retry: "never",
    meaning: "The drain was broken off on request. What was evicted stays away; the node stays cordoned.",
    mend: "Run the command again, or give the node back with `ros-agent undrain`.",
  },
} as const satisfies ErrorTable<DrainErrorCode>;

/** One pod that did not go. */
export interface PodFailure {
  readonly pod: PodName;
  /** In kubectl's words. */
  readonly message: string;
  /** The PodDisruptionBudget that held it, where one did. */
  readonly budget: string | undefined;
  readonly timedOut: boolean;
}

export interface DrainErrorOptions extends CodedErrorOptions {
  readonly failures?: readonly PodFailure[];
  readonly pending?: readonly PodName[];
}

/** Thrown by this folder, beside NodeApiError. */
export class DrainError extends CodedError<DrainErrorCode> {
  readonly failures: readonly PodFailure[];
  /** Pods that were to go and are still there. */
  readonly pending: readonly PodName[];

  constructor(code: DrainErrorCode, message: string, options: DrainErrorOptions = {}) {
    const { failures = [], pending = [], ...rest } = options;
    super(DRAIN_ERRORS, code, message, rest);
    this.failures = failures;
    this.pending = pending;
  }
}
