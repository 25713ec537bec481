/** Decides what a MachineInventory needs in the cluster: a token of its cluster, and an end that nothing holds up. */
import {
  CLUSTER_TOKEN_FINALIZER,
  LEGACY_INVENTORY_FINALIZER,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import { safeConcatName } from "./safe-concat-name.ts";

export type InventoryStep =
  | { readonly kind: "done" }
  /** Write these finalizers; nothing else changes. */
  | { readonly kind: "finalizers"; readonly finalizers: readonly string[] }
  /** Make the token in this management cluster, then write its name to the status. */
  | { readonly kind: "make-token"; readonly namespace: string; readonly name: string }
  /** Find the management cluster of this provisioning cluster, then decide again. */
  | { readonly kind: "find-cluster"; readonly clusterName: string }
  /** Delete the token, then write these finalizers. */
  | {
      readonly kind: "delete-token";
      readonly namespace: string;
      readonly name: string;
      readonly finalizers: readonly string[];
    };

const LEFT_BEHIND = new Set([LEGACY_INVENTORY_FINALIZER]);

/** What an object needs that is being deleted. */
function lastStep(inventory: MachineInventory, kept: readonly string[]): InventoryStep {
  const { metadata, status } = inventory;
  const finalizers = kept.filter((one) => one !== CLUSTER_TOKEN_FINALIZER);
  const namespace = status?.clusterRegistrationTokenNamespace;
  const name = status?.clusterRegistrationTokenName;
  if (finalizers.length < kept.length && namespace && name) {
    return { kind: "delete-token", namespace, name, finalizers };
  }
  return finalizers.length < (metadata.finalizers ?? []).length ? { kind: "finalizers", finalizers } : { kind: "done" };
}

/** @param managementCluster  of `spec.clusterName`; undefined where it has not been looked up */
export function reconcileInventory(inventory: MachineInventory, managementCluster: string | undefined): InventoryStep {
  const { metadata, spec, status } = inventory;
  const finalizers = metadata.finalizers ?? [];
  const ours = finalizers.includes(CLUSTER_TOKEN_FINALIZER);
  const kept = finalizers.filter((one) => !LEFT_BEHIND.has(one));
  const name = status?.clusterRegistrationTokenName;
  if (metadata.deletionTimestamp !== undefined) return lastStep(inventory, kept);
  const wantsToken = Boolean(spec.clusterName) && !name;
  if (wantsToken && managementCluster === undefined)
    return { kind: "find-cluster", clusterName: spec.clusterName ?? "" };
  // The finalizer comes before the token: a token that nobody remembers would stay for ever.
  if ((wantsToken || name) && !ours) return { kind: "finalizers", finalizers: [...kept, CLUSTER_TOKEN_FINALIZER] };
  if (kept.length < finalizers.length) return { kind: "finalizers", finalizers: kept };
  if (wantsToken && managementCluster !== undefined) {
    const tokenName = safeConcatName(managementCluster, metadata.name, "token");
    return { kind: "make-token", namespace: managementCluster, name: tokenName };
  }
  return { kind: "done" };
}

/** Whether it has a next step. */
export function needsWork(inventory: MachineInventory): boolean {
  return reconcileInventory(inventory, undefined).kind !== "done";
}
