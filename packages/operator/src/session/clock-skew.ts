/** How far another replica's clock may be ahead of ours; lifetimes are short enough to need no more for one behind. */
export const CLOCK_SKEW_MS = 10_000;
