/** How soon machines are asked to come back: so that a free slot is taken at once, and the operator is not run over. */

const SHORTEST_SECONDS = 5;
/** All machines of one replica together. */
const ASKS_PER_SECOND = 100;
const LONGEST_SECONDS = 900;
/** So many of each cluster, at least, are ready for the next free slot. */
const FRONT_MIN = 10;
/** All fronts of one replica together: what their first machines need comes from the others. */
const FRONT_ASKS_PER_SECOND = 50;
/** Half of it is how long a free slot waits for the machine whose turn it is. */
const HEAD_SHORTEST_SECONDS = 2;
/** Whose turn it is, and who comes next. */
const HEAD_MIN = 2;
const HEAD_SHARE = 4;
/** Half of what the quickest upgrade takes: who asks after that share of it has asked again before its turn comes. */
const SECONDS_A_TURN = 30;

/** @param machines  that ask this replica; at 500 and fewer, every five seconds */
export function fleetPaceSeconds(machines: number): number {
  return paceSeconds(machines, SHORTEST_SECONDS, ASKS_PER_SECOND);
}

/** A machine that asks so many of its paces late is not waited for. */
const ALIVE_PACES = 3;
/** Its requests reach one of several replicas, by chance: each of them hears of it within this time as good as certainly. */
const ALIVE_SECONDS = 90;

/** How long this replica goes by what a machine was that is to ask at such a pace. */
export function aliveMs(paceSeconds: number): number {
  return Math.max(ALIVE_SECONDS, ALIVE_PACES * paceSeconds) * 1000;
}

/** How many of a cluster's waiting machines come back often. */
export function frontOf(concurrency: number): number {
  return Math.max(FRONT_MIN, 2 * concurrency);
}

/** @param front  machines in the fronts of all clusters: where many clusters upgrade at once, these are many */
export function frontPaceSeconds(front: number): number {
  return paceSeconds(front, SHORTEST_SECONDS, FRONT_ASKS_PER_SECOND);
}

/** How many of a cluster's waiting machines may come back soonest. */
export function headOf(concurrency: number): number {
  return Math.max(HEAD_MIN, Math.ceil(concurrency / HEAD_SHARE));
}

/**
 * For a machine that nothing but its place keeps from a slot: the sooner, the sooner its turn may come.
 * @param rank  how many of its cluster come before it
 * @param head  machines in the heads of all clusters
 */
export function placePaceSeconds(rank: number, concurrency: number, head: number): number {
  const turnSeconds = (rank * SECONDS_A_TURN) / Math.max(1, concurrency);
  // Where many clusters upgrade at once all of them slow down alike, and not the first machines alone.
  const slowness = paceSeconds(head, HEAD_SHORTEST_SECONDS, ASKS_PER_SECOND) / HEAD_SHORTEST_SECONDS;
  return Math.ceil(Math.max(HEAD_SHORTEST_SECONDS, turnSeconds) * slowness);
}

/**
 * For the same machine where it is known when its turn may come: it asks then, and often from then on.
 * @param turnSeconds  until then
 * @param front  machines in the fronts of all clusters; of half of them, at most, the turn has come at a time
 */
export function turnPaceSeconds(turnSeconds: number, front: number): number {
  return Math.max(Math.ceil(turnSeconds), paceSeconds(front / 2, HEAD_SHORTEST_SECONDS, ASKS_PER_SECOND));
}

function paceSeconds(machines: number, shortest: number, asksPerSecond: number): number {
  return Math.min(LONGEST_SECONDS, Math.max(shortest, Math.ceil(machines / asksPerSecond)));
}

/** Up to a tenth more, so that machines do not come in step. @param random  0 to 1 */
export function jittered(seconds: number, random: number): number {
  return seconds + Math.floor(random * (1 + seconds / 10));
}
