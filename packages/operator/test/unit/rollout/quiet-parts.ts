/** What rollouts need from outside, where all of that is well and says nothing: whatever a test is about it puts in their place. */
import type { RolloutParts } from "../../../src/rollout/rollout-parts.ts";

/** @param time  whose nowMs passes */
export function quietParts(
  time: { readonly nowMs: number } & Pick<RolloutParts, "setTimer">,
): Omit<RolloutParts, "store"> {
  const silent = () => undefined;
  return {
    fleet: { chosen: () => new Set(), unclear: () => undefined },
    fleetSynced: () => true,
    versions: { find: () => undefined },
    versionsSynced: () => true,
    defaultRegistry: () => undefined,
    refreshSources: async () => undefined,
    machinesSynced: () => true,
    readMachine: async () => undefined,
    resolve: () => Promise.reject(new Error("not used")),
    materials: async () => ({ prepareEnv: {}, upgradeEnv: {}, credentials: [], firstCredentials: [] }),
    lagMs: () => 0,
    tell: silent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    nowMs: () => time.nowMs,
    steadyMs: () => time.nowMs,
    random: () => 0.5,
    setTimer: time.setTimer,
  };
}
