/** How a node is drained: kubectl drain's options, and the document's names for them. */
import { durationMs } from "@rancheros/protocol/durations";
import type { ManagedOSImageSpec } from "@rancheros/protocol/resources";

import { DrainError } from "./errors.ts";
import { labelSelectorText } from "./label-selector-text.ts";

/** As `kubectl drain --help` describes them. */
export interface DrainOptions {
  /** 0 is without end. Evicting: for attempts and waiting together; deleting: for the waiting. */
  readonly timeoutMs: number;
  /** Whole seconds; negative leaves it to each pod. */
  readonly gracePeriodSeconds: number;
  readonly deleteEmptyDirData: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly force: boolean;
  /** Delete in place of evicting, past PodDisruptionBudgets. */
  readonly disableEviction: boolean;
  /** Whole seconds; 0 waits for all pods. */
  readonly skipWaitForDeleteTimeoutSeconds: number;
  /** Label selector as kubectl takes it; empty for all pods. */
  readonly podSelector: string;
}

/** kubectl's. */
export const DEFAULT_DRAIN_OPTIONS: DrainOptions = {
  timeoutMs: 0,
  gracePeriodSeconds: -1,
  deleteEmptyDirData: false,
  ignoreDaemonSets: false,
  force: false,
  disableEviction: false,
  skipWaitForDeleteTimeoutSeconds: 0,
  podSelector: "",
};

/** spec.drain of a ManagedOSImage. */
export type DrainSpec = NonNullable<ManagedOSImageSpec["drain"]>;

/**
 * Translates `spec.drain`; what is absent or null is as kubectl has it.
 * @throws DrainError DRAIN_OPTIONS_INVALID with every bad field
 */
export function drainOptions(spec: DrainSpec): DrainOptions {
  const problems: string[] = [];
  const milliseconds = (field: string, value: string | number | null | undefined): number | undefined => {
    if (value === undefined || value === null) return undefined;
    const parsed = durationMs(value);
    if (parsed === undefined)
      problems.push(`drain.${field} is no duration such as 5m or 1h30m, and no number of seconds`);
    return parsed;
  };
  const { gracePeriod, podSelector } = spec;
  const isPodsOwn = gracePeriod === -1 || gracePeriod === "-1";
  const gracePeriodMs = isPodsOwn ? undefined : milliseconds("gracePeriod", gracePeriod);
  const skipAfterMs = milliseconds("skipWaitForDeleteTimeout", spec.skipWaitForDeleteTimeout);
  const timeoutMs = milliseconds("timeout", spec.timeout);
  const selector = labelSelectorText(podSelector ?? {}, "drain.podSelector");
  problems.push(...selector.problems);
  if (problems.length > 0) throw new DrainError("DRAIN_OPTIONS_INVALID", problems.join("; "));
  const defaults = DEFAULT_DRAIN_OPTIONS;
  return {
    timeoutMs: timeoutMs ?? defaults.timeoutMs,
    gracePeriodSeconds: wholeSeconds(gracePeriodMs) ?? defaults.gracePeriodSeconds,
    deleteEmptyDirData: spec.deleteLocalData ?? defaults.deleteEmptyDirData,
    ignoreDaemonSets: spec.ignoreDaemonSets ?? defaults.ignoreDaemonSets,
    force: spec.force ?? defaults.force,
    disableEviction: spec.disableEviction ?? defaults.disableEviction,
    skipWaitForDeleteTimeoutSeconds: wholeSeconds(skipAfterMs) ?? defaults.skipWaitForDeleteTimeoutSeconds,
    podSelector: selector.text,
  };
}

/** Up, so that nobody gets less time than was meant, and a short time does not become none. */
function wholeSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000);
}
