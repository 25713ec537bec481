/** How soon machines are asked to come back: so that a free slot is taken at once, and the operator is not run over. */

const SHORTEST_SECONDS = 5;
/** All machines of one replica together. */
const ASKS_PER_SECOND = 100;
const LONGEST_SECONDS = 900;
/** So many of each cluster, at least, are ready for the next free slot. */
const FRONT_MIN = 10;

/** @param machines  that ask this replica; at 500 and fewer, every five seconds */
export function fleetPaceSeconds(machines: number): number {
  return Math.min(LONGEST_SECONDS, Math.max(SHORTEST_SECONDS, Math.ceil(machines / ASKS_PER_SECOND)));
}

/** How many of a cluster's waiting machines come back often. */
export function frontOf(concurrency: number): number {
  return Math.max(FRONT_MIN, 2 * concurrency);
}

/** @param front  machines in the fronts of all clusters: where many clusters upgrade at once, these are many */
export function frontPaceSeconds(front: number): number {
  return fleetPaceSeconds(front);
}

/** Up to a tenth more, so that machines do not come in step. @param random  0 to 1 */
export function jittered(seconds: number, random: number): number {
  return seconds + Math.floor(random * (1 + seconds / 10));
}
