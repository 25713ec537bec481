/** How far a rollout is: machines counted by what the status and the machines themselves say. */
import { amountOf } from "./amount.ts";
import type { Counts, Failure, Slot } from "./slot.ts";
import type { Amount } from "./amount.ts";

/** So many failures are listed; a rollout with as many stops whatever its budget is, since of others nothing would be known. */
export const FAILURES_LISTED_MAX = 200;

/** What the list of slots or failures needs to know of a machine. */
export interface Seen {
  readonly isClaimed: boolean;
  readonly isCanary: boolean;
  readonly isDone: boolean;
  /** Says that the plan went wrong, and nobody asked to try again. */
  readonly isBroken: boolean;
  /** May not go from what it runs to the version. */
  readonly isRefused: boolean;
  /** Text of the retry annotation. */
  readonly retry: string | undefined;
}

/** Each machine counts once: total is the sum of updated, updating, failed, refused and pending. */
export interface Tally {
  /** That the image is for, and those that hold a slot or failed without being known, or being the image's, here. */
  readonly total: number;
  /** Of them, those that the image is for and that are known here: of so many a percentage of failures is. */
  readonly claimed: number;
  /** Run the plan, and hold no slot any more. */
  readonly updated: number;
  /** Hold a slot, whatever else is said of them. */
  readonly updating: number;
  readonly failed: number;
  readonly pending: number;
  /** May not go from what they run to the version, and have not failed there. */
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

/** undefined: not known here. */
type Looked = readonly (Seen | undefined)[];

function countOf(looked: Looked, is: (seen: Seen | undefined) => boolean | undefined): number {
  return looked.filter((seen) => is(seen) === true).length;
}

export function tally(
  counts: Counts,
  slots: readonly Slot[],
  failures: readonly Failure[],
  look: (uid: string) => Seen | undefined,
): Tally {
  const uids = new Set(slots.map(({ uid }) => uid));
  const holders = [...uids].map(look);
  const listed = failures.filter(({ uid }) => !uids.has(uid));
  const active = listed.filter((failure) => isActiveFailure(failure, look(failure.uid))).map(({ uid }) => look(uid));
  const foreign = countOf(holders, (seen) => seen?.isClaimed !== true) + countOf(active, (seen) => seen === undefined);
  const total = counts.total + foreign;
  const updated = counts.done - countOf(holders, (seen) => seen?.isDone);
  const refused = counts.refused - countOf([...holders, ...active], (seen) => seen?.isRefused);
  const known = [...holders, ...listed.map(({ uid }) => look(uid))];
  // More have failed than are listed; they say so themselves.
  const failed = active.length + Math.max(0, counts.broken - countOf(known, (seen) => seen?.isBroken));
  return {
    total,
    claimed: counts.total,
    updated,
    updating: uids.size,
    failed,
    pending: Math.max(0, total - updated - uids.size - failed - refused),
    refused,
    canaries: counts.canaries,
    canariesDone: counts.canariesDone,
    canariesFailed: countOf(active, (seen) => seen?.isCanary),
  };
}

/** Why no further machine may start after what went wrong; undefined where it may. */
export function haltOf(counted: Tally, budget: Amount): string | undefined {
  if (counted.canariesFailed > 0) {
    return `${counted.canariesFailed} of the canaries failed; annotate them with rancheros.cattle.io/retry-upgrade, or change the image`;
  }
  const allowed = amountOf(budget, counted.claimed);
  if (counted.failed > allowed) {
    return `${counted.failed} machines failed, failureBudget allows ${allowed}; see status.failures`;
  }
  if (counted.failed < FAILURES_LISTED_MAX) return undefined;
  return `${counted.failed} machines failed, with ${FAILURES_LISTED_MAX} a rollout halts whatever failureBudget allows; annotate some with rancheros.cattle.io/retry-upgrade, or change the image`;
}
