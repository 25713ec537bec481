/** Decides what a MachineInventory needs in the cluster: a token of its cluster, and no finalizer that nobody takes off. */
import {
  CLUSTER_TOKEN_FINALIZER,
  LEGACY_INVENTORY_FINALIZER,
  type MachineInventory,
  type ObjectMeta,
} from "@rancheros/protocol/resources";
import { namedToken, tokenName } from "./token-bond.ts";

export type InventoryStep =
  | { readonly kind: "done" }
  /** Write these finalizers; nothing else changes. */
  | { readonly kind: "finalizers"; readonly finalizers: readonly string[] }
  /** Make the token in this management cluster, then write its name to the status. */
  | { readonly kind: "make-token"; readonly namespace: string; readonly name: string }
  /** Find the management cluster of this provisioning cluster, then decide again. */
  | { readonly kind: "find-cluster"; readonly clusterName: string };

/** An object that has one of them can be deleted only while an operator runs: not after it was uninstalled. */
const LEFT_BEHIND = new Set([LEGACY_INVENTORY_FINALIZER, CLUSTER_TOKEN_FINALIZER]);

/** @returns the finalizers to leave; undefined where they may stay as they are */
export function finalizersLeft({ finalizers = [] }: Pick<ObjectMeta, "finalizers">): readonly string[] | undefined {
  const left = finalizers.filter((one) => !LEFT_BEHIND.has(one));
  return left.length < finalizers.length ? left : undefined;
}

/** @param managementCluster  of `spec.clusterName`; undefined where it has not been looked up */
export function reconcileInventory(inventory: MachineInventory, managementCluster: string | undefined): InventoryStep {
  const { metadata, spec, status } = inventory;
  const finalizers = finalizersLeft(metadata);
  if (finalizers !== undefined) return { kind: "finalizers", finalizers };
  const wantsToken = Boolean(spec.clusterName) && namedToken(status) === undefined;
  if (metadata.deletionTimestamp !== undefined || !wantsToken) return { kind: "done" };
  if (managementCluster === undefined) return { kind: "find-cluster", clusterName: spec.clusterName ?? "" };
  const name = tokenName(managementCluster, metadata.name);
  return { kind: "make-token", namespace: managementCluster, name };
}

/** Whether it has a next step. */
export function needsWork(inventory: MachineInventory): boolean {
  return reconcileInventory(inventory, undefined).kind !== "done";
}
