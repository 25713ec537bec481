/** How fast the clock of a simulated fleet may run: as fast as those who live by it can follow. */

/** How far something is from what it can bear; from 1 on it holds the clock back. */
export interface Pressure {
  readonly what: string;
  readonly value: number;
}

/** Of one look. */
export interface Load {
  /** Of its one core, from 0. */
  readonly generatorShare: number;
  readonly operatorShare: number;
  /** What a request takes on the clock, in milliseconds. */
  readonly requestMs: number;
  /** Cores that something else on the machine has. */
  readonly others: number;
}

/** What a process that has one thread for its work can spend of a core before its queue grows. */
const BUSY_SHARE = 0.85;
/** An upgrade waits for half a dozen requests: beside its minutes that is then below a hundredth. */
const SLOW_REQUEST_MS = 300;
/** So much of a core, and requests are late for want of it. */
const OTHERS_SHARE = 0.5;
const MOST_DOWN = 0.7;
const MOST_UP = 1.2;

/** The strongest first. */
export function pressuresOf({ generatorShare, operatorShare, requestMs, others }: Load): readonly Pressure[] {
  return [
    { what: "the load generator", value: generatorShare / BUSY_SHARE },
    { what: "the operator", value: operatorShare / BUSY_SHARE },
    {
      what: others > OTHERS_SHARE ? "other work on this machine" : "slow requests",
      value: requestMs / SLOW_REQUEST_MS,
    },
  ].toSorted((a, b) => b.value - a.value);
}

/**
 * Load follows the pace late, so it goes half of the way.
 * @param strongest  of the pressures of the last look
 * @returns from 1 to the fastest
 */
export function nextFactor(factor: number, strongest: number, fastest: number): number {
  const step = Math.min(MOST_UP, Math.max(MOST_DOWN, Math.sqrt(1 / Math.max(strongest, 0.01))));
  return Math.min(fastest, Math.max(1, factor * step));
}
