/** The time by which replicas and machines agree: the API server's where a replica's own clock is another one. */

/** By so much clocks may differ before one is put right: twice that and the grain is less than replicas allow each other. */
export const TOLERANCE_MS = 3_000;
/** A replica's clock that differs by more is called wrong. */
export const WRONG_MS = 10_000;
/** API servers may differ among themselves: what one of them has borne out counts so long, whatever others say. */
export const HOLD_MS = 30_000;
/** The grain of a Date header. */
const GRAIN_MS = 1_000;

/** An answer that says when it was made. */
export interface DatedAnswer {
  /** The second in which it was made, by the API server's clock; see parseServerDate. */
  readonly serverMs: number;
  /** When it was asked for and when it was there, by the steady clock. */
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface ClusterClockParts {
  /** The replica's own clock. */
  readonly wallMs: () => number;
  /** One that never goes back, and does not jump where somebody sets the other one. */
  readonly steadyMs: () => number;
  /** Told when the replica's clock turns out to be wrong, and when it is right again; aheadMs: of the cluster's clock. */
  readonly onVerdict: (isWrong: boolean, aheadMs: number) => void;
}

export interface ClusterClock {
  /** Whole milliseconds since 1970. */
  nowMs(): number;
  /** How far the API server's clock is ahead of the replica's own, as its last answer said; 0 before the first. */
  skewMs(): number;
  /** Takes note of an answer of the API server. */
  observe(answer: DatedAnswer): void;
}

/** How far the API server's clock is ahead of the steady one: somewhere in here. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** It was made between question and answer, in the second that it names. */
function rangeOf({ serverMs, beganMs, endedMs }: DatedAnswer): Range {
  return { from: serverMs - endedMs, to: serverMs + GRAIN_MS - beganMs };
}

function distance(offset: number, { from, to }: Range): number {
  return Math.max(0, from - offset, offset - to);
}

function middle({ from, to }: Range): number {
  return (from + to) / 2;
}

/** Of a wide range the middle may be further off than what there was before; its near end is not. */
function nearEnd(offset: number, { from, to }: Range): number {
  return offset < from ? from : to;
}

/**
 * Begins with the replica's own clock, and goes on by the steady one. The first answer that differs corrects it, before
 * anything can have been made by it. Later ones do where none within HOLD_MS has borne it out, or where the replica's own
 * clock agrees with them: then two are against one. Each correction is one of more than TOLERANCE_MS. An answer that was
 * slow says little: it holds nothing up.
 */
export function createClusterClock({ wallMs, steadyMs, onVerdict }: ClusterClockParts): ClusterClock {
  /** What makes of the steady clock the cluster's. */
  let offset = wallMs() - steadyMs();
  let borneOutAtMs = Number.NEGATIVE_INFINITY;
  let seen: number | undefined;
  let isWrong = false;

  const nowMs = (): number => Math.round(steadyMs() + offset);

  function judge(): void {
    const aheadMs = wallMs() - nowMs();
    // Between the two it stays what it was called.
    const limitMs = isWrong ? TOLERANCE_MS + GRAIN_MS : WRONG_MS;
    if (Math.abs(aheadMs) > limitMs === isWrong) return;
    isWrong = !isWrong;
    onVerdict(isWrong, aheadMs);
  }

  return {
    nowMs,
    skewMs: () => (seen === undefined ? 0 : Math.round(seen + steadyMs() - wallMs())),
    observe(answer) {
      const range = rangeOf(answer);
      seen = middle(range);
      const isPrompt = range.to - range.from <= GRAIN_MS + TOLERANCE_MS;
      const isAgreed = distance(offset, range) <= TOLERANCE_MS;
      const isHeld = answer.endedMs - borneOutAtMs < HOLD_MS;
      const isOwn = distance(wallMs() - steadyMs(), range) <= TOLERANCE_MS;
      const isTaken = !isAgreed && (!isHeld || isOwn);
      if (isTaken) offset = isPrompt ? middle(range) : nearEnd(offset, range);
      if (isPrompt && (isAgreed || isTaken)) borneOutAtMs = answer.endedMs;
      judge();
    },
  };
}
