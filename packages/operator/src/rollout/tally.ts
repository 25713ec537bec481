/** How far a rollout is: machines counted by what the status and the machines themselves say. */
import { amountOf } from "./amount.ts";
import type { Counts, Failure, Slot } from "./slot.ts";
import type { Amount } from "./amount.ts";

/** So many failures are listed; a rollout with more has stopped whatever its budget is. */
export const FAILURES_LISTED_MAX = 200;

/** What the list of slots or failures needs to know of a machine. */
export interface Seen {
  readonly isClaimed: boolean;
  readonly isCanary: boolean;
  readonly isDone: boolean;
  /** Says that the plan went wrong, and nobody asked to try again. */
  readonly isBroken: boolean;
  /** Text of the retry annotation. */
  readonly retry: string | undefined;
}

export interface Tally {
  readonly total: number;
  readonly updated: number;
  readonly updating: number;
  readonly failed: number;
  readonly pending: number;
  /** May not go from what they run to the version; none of the pending ones. */
  readonly refused: number;
  readonly canaries: number;
  readonly canariesDone: number;
  readonly canariesFailed: number;
}

/** Whether somebody asked to try again since: taking the annotation away asks for nothing. */
export function isRetryAsked(failure: Failure, retry: string | undefined): boolean {
  return retry !== undefined && retry !== failure.retry;
}

/** A listed failure that counts: not one whose machine is to try again, has come through, or belongs elsewhere now. */
export function isActiveFailure(failure: Failure, seen: Seen | undefined): boolean {
  if (seen === undefined) return true;
  return seen.isClaimed && !seen.isDone && !isRetryAsked(failure, seen.retry);
}

export function tally(
  counts: Counts,
  slots: readonly Slot[],
  failures: readonly Failure[],
  look: (uid: string) => Seen | undefined,
): Tally {
  let listed = 0;
  let canariesFailed = 0;
  let brokenListed = 0;
  let holders = 0;
  const counted = new Set<string>();
  for (const failure of failures) {
    const seen = look(failure.uid);
    counted.add(failure.uid);
    if (seen?.isClaimed === true && seen.isBroken) brokenListed += 1;
    if (!isActiveFailure(failure, seen)) continue;
    listed += 1;
    if (seen?.isCanary === true) canariesFailed += 1;
  }
  for (const slot of slots) {
    const seen = look(slot.uid);
    if (seen?.isClaimed !== true) continue;
    if (!seen.isDone) holders += 1;
    if (seen.isBroken && !counted.has(slot.uid)) brokenListed += 1;
  }
  // More have failed than are listed; they say so themselves.
  const failed = listed + Math.max(0, counts.broken - brokenListed);
  return {
    total: counts.total,
    updated: counts.done,
    updating: slots.length,
    failed,
    pending: Math.max(0, counts.total - counts.done - failed - holders - counts.refused),
    refused: counts.refused,
    canaries: counts.canaries,
    canariesDone: counts.canariesDone,
    canariesFailed,
  };
}

/** Why no further machine may start after what went wrong; undefined where it may. */
export function haltOf(counted: Tally, listed: number, budget: Amount): string | undefined {
  if (counted.canariesFailed > 0) {
    return `${counted.canariesFailed} of the canaries failed; annotate them with rancheros.cattle.io/retry-upgrade, or change the image`;
  }
  const allowed = amountOf(budget, counted.total);
  if (counted.failed > allowed) {
    return `${counted.failed} machines failed, failureBudget allows ${allowed}; see status.failures`;
  }
  return listed >= FAILURES_LISTED_MAX ? `${listed} machines failed, more are not accounted for` : undefined;
}
