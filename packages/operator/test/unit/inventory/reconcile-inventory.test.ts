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

  it("goes from cluster to finalizer to token, and stops", () => {
    expect(reconcileInventory(inventory({}, assigned), undefined)).toEqual({ kind: "find-cluster", clusterName: "c" });
    expect(reconcileInventory(inventory({}, assigned), "c-m-abc")).toEqual({
      kind: "finalizers",
      finalizers: [CLUSTER_TOKEN_FINALIZER],
    });
    const held = { finalizers: [CLUSTER_TOKEN_FINALIZER] };
    expect(reconcileInventory(inventory(held, assigned), "c-m-abc")).toEqual({
      kind: "make-token",
      namespace: "c-m-abc",
      name: "c-m-abc-m-token",
    });
    expect(reconcileInventory(inventory(held, tokened), undefined)).toEqual({ kind: "done" });
  });

  it("takes over what the original left: its finalizer goes, its token is remembered", () => {
    const left = { finalizers: ["other", LEGACY_INVENTORY_FINALIZER] };
    expect(reconcileInventory(inventory(left, tokened), undefined)).toEqual({
      kind: "finalizers",
      finalizers: ["other", CLUSTER_TOKEN_FINALIZER],
    });
    expect(reconcileInventory(inventory(left), undefined)).toEqual({ kind: "finalizers", finalizers: ["other"] });
  });

  it("ends a machine: the token first, then what held it", () => {
    const gone = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    const held = { ...gone, finalizers: [CLUSTER_TOKEN_FINALIZER, LEGACY_INVENTORY_FINALIZER, "other"] };
    expect(reconcileInventory(inventory(held, tokened), undefined)).toEqual({
      kind: "delete-token",
      namespace: "c-m-abc",
      name: "c-m-abc-m-token",
      finalizers: ["other"],
    });
    expect(reconcileInventory(inventory(held), undefined)).toEqual({ kind: "finalizers", finalizers: ["other"] });
    expect(reconcileInventory(inventory({ ...gone, finalizers: ["other"] }), undefined)).toEqual({ kind: "done" });
  });
});
