/** The token with which a machine joins its cluster. */
import type { MachineInventory } from "@rancheros/protocol/resources";
import type { ClusterTokens, FoundToken, TokenReference } from "./cluster-tokens.ts";
import { InventoryError } from "./errors.ts";
import { namedToken, tokenBond } from "./token-bond.ts";

/** A status is no proof: who may write it could have another cluster's token handed out. */
async function isItsOwn(
  { metadata, spec }: MachineInventory,
  tokens: ClusterTokens,
  where: TokenReference,
  found: FoundToken,
): Promise<boolean> {
  if (tokenBond(found, where, metadata) === "foreign") return false;
  // Somebody may have given the machine to another cluster since the token was made, also to one that is not there yet.
  return (await tokens.managementCluster(metadata.namespace, spec.clusterName ?? "")) === where.namespace;
}

/**
 * @throws InventoryError  CLUSTER_NOT_ASSIGNED, CLUSTER_TOKEN_NOT_ASSIGNED: the machine asks again
 * @throws KubernetesError
 */
export async function clusterTokenOf(inventory: MachineInventory, tokens: ClusterTokens): Promise<string> {
  if (!inventory.spec.clusterName) throw new InventoryError("CLUSTER_NOT_ASSIGNED", "cluster not assigned");
  const where = namedToken(inventory.status);
  const found = where === undefined ? undefined : await tokens.find(where);
  if (where !== undefined && found?.value !== undefined && (await isItsOwn(inventory, tokens, where, found))) {
    return found.value;
  }
  throw new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", "cluster token not assigned");
}
