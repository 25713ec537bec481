/** What a machine is told of its place in its cluster, read anew each time. */
import { hasCode } from "@rancheros/protocol/errors";
import type { Kubernetes } from "./controller/index.ts";
import {
  clusterTokenOf,
  inventoryAnswer,
  InventoryError,
  readInventory,
  type ClusterTokens,
  type InventoryEntry,
} from "./inventory/index.ts";

/** @throws InventoryError, also INVENTORY_UNCERTAIN where the machine has just been deleted */
export async function operatorInventoryAnswer(
  kubernetes: Kubernetes,
  tokens: ClusterTokens,
  entry: InventoryEntry,
  onTokenMissed: () => void,
): Promise<string> {
  const { namespace, name } = entry.metadata;
  const inventory = await readInventory(kubernetes, namespace, name);
  if (inventory === undefined) {
    throw new InventoryError("INVENTORY_UNCERTAIN", `MachineInventory ${namespace}/${name} has just been deleted`);
  }
  try {
    return inventoryAnswer(inventory.spec.config, await clusterTokenOf(inventory, tokens));
  } catch (error) {
    if (hasCode(error, "CLUSTER_TOKEN_NOT_ASSIGNED")) onTokenMissed();
    throw error;
  }
}
