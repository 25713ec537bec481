import type { MachineUpgrade, RolloutMachine } from "../../../src/rollout/rollout-machine.ts";

export interface PlainMachine {
  readonly name?: string;
  readonly uid?: string;
  readonly lastSeenMs?: number | undefined;
  readonly upgrade?: MachineUpgrade | undefined;
}

/** An approved agent of the local cluster, of which nothing more is known than a test is about. */
export function plainMachine({ name = "m", uid = "u", lastSeenMs, upgrade }: PlainMachine = {}): RolloutMachine {
  return {
    metadata: { name, namespace: "fleet-local", uid, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: { clusterName: undefined, role: "agent", labels: {}, lastSeenMs, retry: undefined, upgrade },
  };
}
