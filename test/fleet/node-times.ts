/** How long nodes take for the parts of an upgrade: drawn from a seed, each node for itself. */
import type { Random } from "../fuzz/random.ts";

/** Milliseconds on the fleet's clock. */
export interface NodeTimes {
  readonly pullMs: number;
  readonly drainMs: number;
  readonly containerMs: number;
  readonly rebootMs: number;
  /** From the start of the kubelet until the node is Ready. */
  readonly readyMs: number;
}

/** How the mean splits up: a third of it goes to the drain, a quarter each to the container and the restart. */
const SHARES = { pullMs: 0.15, drainMs: 0.3, containerMs: 0.25, rebootMs: 0.2, readyMs: 0.1 } as const;

/** Mean of two even numbers: most nodes are near the middle, none is below half or above one and a half. */
function spread(random: Random): number {
  const even = (): number => random.uint32() / 0x1_0000_0000;
  return 0.5 + (even() + even()) / 2;
}

/** @param meanMs  of all parts together, without what the agent itself waits for */
export function drawNodeTimes(random: Random, meanMs: number): NodeTimes {
  const part = (name: keyof NodeTimes): number => Math.round(meanMs * SHARES[name] * spread(random));
  return {
    pullMs: part("pullMs"),
    drainMs: part("drainMs"),
    containerMs: part("containerMs"),
    rebootMs: part("rebootMs"),
    readyMs: part("readyMs"),
  };
}
