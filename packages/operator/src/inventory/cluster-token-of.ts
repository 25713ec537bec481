/** The token with which a machine joins its cluster. */
import type { MachineInventory } from "@rancheros/protocol/resources";
import type { ClusterTokens } from "./cluster-tokens.ts";
import { InventoryError } from "./errors.ts";

/**
 * @throws InventoryError  CLUSTER_NOT_ASSIGNED, CLUSTER_TOKEN_NOT_ASSIGNED: the machine asks again
 * @throws KubernetesError
 */
export async function clusterTokenOf(inventory: MachineInventory, tokens: ClusterTokens): Promise<string> {
  if (!inventory.spec.clusterName) throw new InventoryError("CLUSTER_NOT_ASSIGNED", "cluster not assigned");
  const namespace = inventory.status?.clusterRegistrationTokenNamespace;
  const name = inventory.status?.clusterRegistrationTokenName;
  const token = namespace && name ? await tokens.read({ namespace, name }) : undefined;
  if (token === undefined) throw new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", "cluster token not assigned");
  return token;
}
