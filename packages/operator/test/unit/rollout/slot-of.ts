/** A machine of one of two clusters, and the slot that it was granted a minute ago. */
import type { RolloutMachine } from "../../../src/rollout/index.ts";
import type { Slot } from "../../../src/rollout/slot.ts";

export const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
export const PLAN = "ab".repeat(32);
export const CLUSTERS = ["a", "b"];

export type Upgrade = NonNullable<RolloutMachine["rollout"]["upgrade"]>;

export function machine(index: number, role: string, upgrade?: Partial<Upgrade>): RolloutMachine {
  const said = { image: "os", plan: PLAN, attempt: 1, phase: "Idle", sinceMs: NOW_MS, heardMs: NOW_MS } as const;
  return {
    metadata: { name: `m${index}`, namespace: "n", uid: `u${index}`, resourceVersion: "1" },
    approval: "Approved",
    beingDeleted: false,
    rollout: {
      clusterName: CLUSTERS[index % 2],
      role,
      labels: {},
      lastSeenMs: undefined,
      retry: undefined,
      upgrade: upgrade === undefined ? undefined : { ...said, reason: undefined, message: undefined, ...upgrade },
    },
  };
}

export function slotOf(one: RolloutMachine, attempt: number, more: Partial<Slot> = {}): Slot {
  const { name, uid } = one.metadata;
  return {
    machine: name,
    uid,
    cluster: one.rollout.clusterName ?? "",
    attempt,
    plan: PLAN,
    grantedAt: new Date(NOW_MS - 60_000).toISOString(),
    ...(one.rollout.role === "server" ? { isServer: true } : {}),
    ...more,
  };
}
