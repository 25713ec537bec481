/** Every combination of the drain fields, as kubectl's flags and as the field `drain` of a ManagedOSImage. */
import type { DrainSpec } from "@rancheros/agent/drain";

export interface Combination {
  readonly timeoutSeconds: number;
  readonly gracePeriod: number;
  readonly deleteLocalData: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly force: boolean;
  readonly disableEviction: boolean;
  readonly skipWaitForDeleteTimeout: number;
  readonly podSelector: PodSelector;
}

export type PodSelector = "none" | "front" | "not-front";

const NO_YES = [false, true];
/** Shorter than kubectl's pause of 5 s between two attempts, so that each pod is tried once. */
export const TIMEOUT_SECONDS = 4;
/** Longer than any drain here: what is in deletion since its beginning is not past its time at its end. */
export const GRACE_SECONDS = 60;
/** What is in deletion for longer is not waited for. */
export const SKIP_SECONDS = 1;

const SELECTORS = {
  none: { flag: "", spec: null },
  front: { flag: "tier=front", spec: { matchLabels: { tier: "front" } } },
  "not-front": {
    flag: "tier notin (front)",
    spec: { matchExpressions: [{ key: "tier", operator: "NotIn" as const, values: ["front"] }] },
  },
};

/** Combinations of the seven fields, without the selector. */
export const SEVEN_FIELDS = 192;
/** All of them with the first selector, then with the second, then with the third. */
export const COMBINATIONS: readonly Combination[] = Array.from({ length: 3 * SEVEN_FIELDS }, (_, index) =>
  combinationAt(index),
);

/** The index as a number whose digits choose the fields' values. */
function combinationAt(index: number): Combination {
  let rest = index;
  function choose<Value>(values: readonly Value[]): Value {
    const value = values[rest % values.length];
    rest = Math.floor(rest / values.length);
    if (value === undefined) throw new Error("there is nothing to choose from");
    return value;
  }
  return {
    skipWaitForDeleteTimeout: choose([0, SKIP_SECONDS]),
    disableEviction: choose(NO_YES),
    force: choose(NO_YES),
    ignoreDaemonSets: choose(NO_YES),
    deleteLocalData: choose(NO_YES),
    gracePeriod: choose([-1, 0, GRACE_SECONDS]),
    timeoutSeconds: choose([0, TIMEOUT_SECONDS]),
    podSelector: choose<PodSelector>(["none", "front", "not-front"]),
  };
}

/** kubectl's defaults are left out: that they are its defaults is compared too. */
export function kubectlFlags(combination: Combination): readonly string[] {
  const { timeoutSeconds, gracePeriod, skipWaitForDeleteTimeout, podSelector } = combination;
  const flags = [];
  if (timeoutSeconds > 0) flags.push(`--timeout=${timeoutSeconds}s`);
  if (gracePeriod >= 0) flags.push(`--grace-period=${gracePeriod}`);
  if (combination.deleteLocalData) flags.push("--delete-emptydir-data");
  if (combination.ignoreDaemonSets) flags.push("--ignore-daemonsets");
  if (combination.force) flags.push("--force");
  if (combination.disableEviction) flags.push("--disable-eviction");
  if (skipWaitForDeleteTimeout > 0) flags.push(`--skip-wait-for-delete-timeout=${skipWaitForDeleteTimeout}`);
  if (podSelector !== "none") flags.push(`--pod-selector=${SELECTORS[podSelector].flag}`);
  return flags;
}

export function drainSpec(combination: Combination): DrainSpec {
  const { timeoutSeconds, gracePeriod, skipWaitForDeleteTimeout, podSelector, ...flags } = combination;
  return {
    ...flags,
    ...(timeoutSeconds > 0 ? { timeout: `${timeoutSeconds}s` } : {}),
    ...(gracePeriod >= 0 ? { gracePeriod } : {}),
    ...(skipWaitForDeleteTimeout > 0 ? { skipWaitForDeleteTimeout } : {}),
    podSelector: SELECTORS[podSelector].spec,
  };
}
