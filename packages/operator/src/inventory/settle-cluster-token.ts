/** Brings a machine's ClusterRegistrationToken to where it is right: there, and marked as this machine's. */
import type { MachineInventory } from "@rancheros/protocol/resources";
import type { ClusterTokens, TokenOwner, TokenReference } from "./cluster-tokens.ts";
import { InventoryError } from "./errors.ts";
import { namedToken, tokenBond, type TokenBond } from "./token-bond.ts";

/** Long names are cut to the same now and then: of some thousands that begin alike two are. */
function nameTaken({ namespace, name }: TokenReference, owner: TokenOwner, holder: string): InventoryError {
  const message = `MachineInventory ${owner.namespace}/${owner.name} gets no token of its cluster: ClusterRegistrationToken ${namespace}/${name}, which its name is cut to, belongs to ${holder}`;
  return new InventoryError("CLUSTER_TOKEN_NAME_TAKEN", message);
}

/**
 * Makes the token unless this machine has it.
 * @param where             in the machine's own management cluster, under the name that it gets there
 * @param isNamedByAnother  whether the status of another machine names that token
 * @throws InventoryError CLUSTER_TOKEN_NOT_ASSIGNED  while the token of an earlier machine of that name is going
 * @throws InventoryError CLUSTER_TOKEN_NAME_TAKEN  another machine's token has that name, and stays as it is
 * @throws KubernetesError
 */
export async function ensureClusterToken(
  tokens: ClusterTokens,
  where: TokenReference,
  owner: TokenOwner,
  isNamedByAnother: () => boolean,
): Promise<void> {
  const found = await tokens.find(where);
  if (found === undefined) {
    await tokens.create(where, owner);
    return;
  }
  const bond = tokenBond(found, where, owner);
  if (bond === "own") return;
  if (bond === "foreign") throw nameTaken(where, owner, found.ownerName ?? "another machine");
  if (bond === "unmarked") {
    if (isNamedByAnother()) throw nameTaken(where, owner, "another machine, whose status names it");
    await tokens.mark(where, found, owner);
    return;
  }
  // The earlier machine must not come in with the token of the new one.
  await tokens.delete(where, found);
  const message = `waiting until the token of an earlier machine ${owner.namespace}/${owner.name} is gone`;
  throw new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", message);
}

/** Not one whose cluster is only not to be found. */
function isOfNoCluster({ spec }: MachineInventory, bond: TokenBond | undefined): boolean {
  return !spec.clusterName && bond === "own";
}

/**
 * What is to become of the token that a machine's status names.
 * marked: it says now that it is this machine's. missing: it is not there any more, and is made again where there is a
 * cluster for it: somebody deleted it, or gave the machine to another cluster, or took it out of its own, and nobody is to
 * join the first one with it.
 * as-it-is: it is right, it is not this machine's, or there is no cluster that it could be made in.
 * @throws KubernetesError
 */
export async function keepNamedToken(
  inventory: MachineInventory,
  tokens: ClusterTokens,
): Promise<"marked" | "missing" | "as-it-is"> {
  const { metadata, spec } = inventory;
  const where = namedToken(inventory.status);
  if (where === undefined || metadata.deletionTimestamp !== undefined) return "as-it-is";
  const found = await tokens.find(where);
  const bond = found === undefined ? undefined : tokenBond(found, where, metadata);
  if (bond === "foreign") return "as-it-is";
  const managed = spec.clusterName ? await tokens.managementCluster(metadata.namespace, spec.clusterName) : undefined;
  // A cluster that is only not to be found now may come back; a machine of none waits for no token.
  if (found === undefined) return spec.clusterName && managed === undefined ? "as-it-is" : "missing";
  if (bond === "unmarked" && managed !== where.namespace) return "as-it-is";
  const isElsewhere = managed !== undefined && managed !== where.namespace;
  if (isElsewhere || isOfNoCluster(inventory, bond)) {
    await tokens.delete(where, found);
    return "missing";
  }
  if (bond === "own") return "as-it-is";
  await tokens.mark(where, found, metadata);
  return "marked";
}
