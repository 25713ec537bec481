/** Which failures the status lists where there are more than it has room for. */
import type { RolloutView } from "./rollout-view.ts";
import type { Failure } from "./slot.ts";
import { FAILURES_LISTED_MAX, isActiveFailure } from "./tally.ts";

/** The lower, the less is lost with it. */
function worthOf(view: RolloutView, failure: Failure): number {
  const seen = view.seen(failure.uid);
  if (!isActiveFailure(failure, seen)) return 0;
  // It counts by its own word; of one that fell silent, or was broken off, nobody else knows.
  return seen?.isBroken === true ? 1 : 2;
}

/**
 * @param failures  the oldest first, each machine once
 * @returns         those that are listed, in the same order: of those that are worth the same the newest
 */
export function listedFailures(view: RolloutView, failures: readonly Failure[]): readonly Failure[] {
  const tooMany = failures.length - FAILURES_LISTED_MAX;
  if (tooMany <= 0) return failures;
  const weighed = failures.map((failure) => ({ failure, worth: worthOf(view, failure) }));
  const dropped = new Set(weighed.toSorted((a, b) => a.worth - b.worth).slice(0, tooMany));
  return weighed.filter((one) => !dropped.has(one)).map(({ failure }) => failure);
}
