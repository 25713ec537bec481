import { describe, expect, it } from "vitest";
import {
  CLUSTER_TOKEN_FINALIZER,
  LEGACY_INVENTORY_FINALIZER,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import { needsWork, reconcileInventory } from "../../../src/inventory/reconcile-inventory.ts";

function inventory(
  over: Partial<MachineInventory["metadata"]>,
  rest: Partial<MachineInventory> = {},
): MachineInventory {
  return { metadata: { name: "m", namespace: "n", uid: "u", resourceVersion: "1", ...over }, spec: {}, ...rest };
}

const assigned = { spec: { clusterName: "c" } };
const tokened = {
  ...assigned,
  status: { clusterRegistrationTokenName: "c-m-abc-m-token", clusterRegistrationTokenNamespace: "c-m-abc" },
};

describe("reconcileInventory", () => {
  it("has nothing to do for a machine without a cluster", () => {
    expect(reconcileInventory(inventory({}), undefined)).toEqual({ kind: "done" });
    expect(needsWork(inventory({}))).toBe(false);
  });

  it("goes from cluster to token, and stops; nothing is put onto it that would hold it", () => {
    expect(reconcileInventory(inventory({}, assigned), undefined)).toEqual({ kind: "find-cluster", clusterName: "c" });
    expect(reconcileInventory(inventory({}, assigned), "c-m-abc")).toEqual({
      kind: "make-token",
      namespace: "c-m-abc",
      name: "c-m-abc-m-token",
    });
    expect(reconcileInventory(inventory({}, tokened), undefined)).toEqual({ kind: "done" });
  });

  it.each([LEGACY_INVENTORY_FINALIZER, CLUSTER_TOKEN_FINALIZER])("takes off what was left behind: %s", (finalizer) => {
    const step = { kind: "finalizers", finalizers: ["other"] };
    const held = { finalizers: ["other", finalizer] };
    expect(reconcileInventory(inventory(held, tokened), undefined)).toEqual(step);
    expect(reconcileInventory(inventory(held, assigned), "c-m-abc")).toEqual(step);
    const gone = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(reconcileInventory(inventory({ ...held, ...gone }, tokened), undefined)).toEqual(step);
  });

  it("makes no token for a machine that is being deleted", () => {
    const gone = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["other"] };
    expect(reconcileInventory(inventory(gone, assigned), "c-m-abc")).toEqual({ kind: "done" });
  });
});
