/** Where our drain differs from kubectl's on purpose. What is not listed here is a failure of the parity tests. */
import type { Outcome } from "./outcome.ts";

export interface Deviation {
  readonly what: string;
  readonly reason: string;
  /** Takes out of both outcomes what differs. */
  readonly forgive: (outcome: Outcome, dryRun: boolean) => Outcome;
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
];

/** @returns both without what differs on purpose */
export function withoutDeviations(outcome: Outcome, dryRun: boolean): Outcome {
  return DEVIATIONS.reduce((rest, { forgive }) => forgive(rest, dryRun), outcome);
}
