/** How far another replica may be ahead of us in time, see cluster-clock.ts; lifetimes are short enough to need no more for one behind. */
export const CLOCK_SKEW_MS = 10_000;
