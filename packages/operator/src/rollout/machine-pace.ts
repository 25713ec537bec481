/** How soon one machine is asked to come back. */
import { concurrencyOf } from "./amount.ts";
import { fleetPaceSeconds, frontOf, frontPaceSeconds, placePaceSeconds, turnPaceSeconds } from "./pace.ts";
import type { Asked } from "./rollout-desk.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { TurnTimes } from "./turn-times.ts";
import { isWaiting } from "./turn.ts";
import { QUEUED } from "./waiting.ts";

const HOLDER_PACE_SECONDS = 60;
/** Reasons to wait that end with the next slot that comes free. */
const IN_ORDER: ReadonlySet<string | undefined> = new Set([QUEUED.reason, "ServersFirst"]);

export interface PaceView {
  readonly index: RolloutIndex;
  readonly turnTimes: TurnTimes;
  readonly nowMs: number;
  /** That ask this replica. */
  readonly machines: number;
}

/** @returns seconds, before jitter */
export function machinePaceSeconds(
  { index, turnTimes, nowMs, machines }: PaceView,
  uid: string,
  asked: Pick<Asked, "plan" | "waiting">,
): number {
  if (asked.plan !== undefined) return HOLDER_PACE_SECONDS;
  const fleet = fleetPaceSeconds(machines);
  const state = index.machine(uid);
  const image = state?.claims[0];
  const { cluster } = state ?? {};
  const group = image?.group(cluster);
  if (state === undefined || cluster === undefined || image === undefined || group === undefined) return fleet;
  const limit = concurrencyOf(image.image.concurrency, group.total);
  const rank = isWaiting(state) ? group.waiting.rank(state.orderKey()) : Number.POSITIVE_INFINITY;
  if (rank >= frontOf(limit)) return fleet;
  const pace = Math.min(fleet, frontPaceSeconds(index.fronts.front));
  // A window that is closed opens for all at once: nobody has to come every two seconds until then.
  if (!IN_ORDER.has(asked.waiting?.reason)) return pace;
  const byPlace = Math.min(pace, placePaceSeconds(rank, limit, index.fronts.head));
  const turnSeconds = turnTimes.secondsUntil(image, { cluster, rank, limit }, nowMs);
  return turnSeconds === undefined ? byPlace : Math.min(byPlace, turnPaceSeconds(turnSeconds, index.fronts.front));
}
