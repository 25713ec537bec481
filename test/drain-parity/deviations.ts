/** Where our drain differs from kubectl's on purpose. What is not listed here is a failure of the parity tests. */
import type { Outcome } from "./outcome.ts";

export interface Deviation {
  readonly what: string;
  readonly reason: string;
  /** Takes out of both outcomes what differs, where outcomes do. The others have a test in test/integration/drain-parity or of the agent. */
  readonly forgive?: (outcome: Outcome, dryRun: boolean) => Outcome;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    what: "an error ends with the PodDisruptionBudgets that held pods",
    reason: "who reads it in the status of a rollout has no second window open to look for them",
    forgive: (outcome) => ({
      ...outcome,
      errors: outcome.errors.filter((text) => !text.startsWith("; held by the PodDisruptionBudget ")),
    }),
  },
  {
    what: "a dry run that fails names as pending only the pods that would have stayed",
    reason: "kubectl looks at the node again, where a dry run has left all of them",
    forgive: (outcome, dryRun) => (dryRun ? { ...outcome, pending: [] } : outcome),
  },
  {
    what: "evictions and deletions carry the pod's UID",
    reason: "kubectl evicts a StatefulSet's pod that has come back under its name on another node",
  },
  {
    what: "a deletion that is answered by 403 or 409 is a failure only where the pod is still on the node and not ending",
    reason: "with its UID, a pod that has come back under its name is answered by 409, and is no failure of this drain",
  },
  {
    what: "how long a pod is in deletion is measured by the API server's clock",
    reason:
      "kubectl takes its own, and on a node whose clock is ahead it would not wait for pods that are still ending",
  },
  {
    what: "ros-agent ends with 5, 6 or 8 where kubectl ends with 1",
    reason: "refused, gave up waiting and a useless kubeconfig ask for different reactions of a script",
  },
  {
    what: "--timeout ends the pause between two attempts",
    reason: "kubectl sleeps its 5 seconds to the end before it looks at the clock",
  },
  {
    what: "--timeout ends the wait for the answer to an eviction",
    reason: "kubectl's requests have no limit of time, and an API server that hangs would hold the drain for ever",
  },
  {
    what: "--timeout holds under a budget that was never counted",
    reason:
      "the API server asks to come again in 10 s, and kubectl's HTTP client does so ten times, without a word and without a look at the clock",
  },
];

/** @returns the outcome without what differs on purpose */
export function withoutDeviations(outcome: Outcome, dryRun: boolean): Outcome {
  return DEVIATIONS.reduce((rest, { forgive }) => forgive?.(rest, dryRun) ?? rest, outcome);
}
