/** Since when this replica hears what machines say: of a time in which none could speak, no machine is to blame. */
import type { RolloutParts } from "./rollout-parts.ts";

export type Hearing = () => number;

export interface WithHearing {
  readonly hearing: Hearing;
}

/**
 * @returns what tells since when, by the cluster's clock: since the start, or since the API server is there again; while it
 *          is away, that is now. It is to be asked now and then, or it misses that.
 */
export function createHearing({ machinesSynced, nowMs }: Pick<RolloutParts, "machinesSynced" | "nowMs">): Hearing {
  let sinceMs: number | undefined;
  return () => {
    const now = nowMs();
    sinceMs = machinesSynced() ? Math.min(sinceMs ?? now, now) : undefined;
    return sinceMs ?? now;
  };
}
