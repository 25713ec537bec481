/** The token with which one machine joins its cluster: a ClusterRegistrationToken of Rancher. */
import { hasCode } from "@rancheros/protocol/errors";
import type { MachineInventory } from "@rancheros/protocol/resources";
import type { Kubernetes } from "../../controller/io/kubernetes.ts";
import { InventoryError } from "../../inventory/errors.ts";

function stringAt(object: unknown, ...path: readonly string[]): string {
  let here = object;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return "";
    here = Reflect.get(here, step);
  }
  return typeof here === "string" ? here : "";
}

/** Where a ClusterRegistrationToken is. */
export interface TokenReference {
  readonly namespace: string;
  readonly name: string;
}

async function readOrNothing(kubernetes: Kubernetes, path: string): Promise<unknown> {
  try {
    return await kubernetes.send({ method: "GET", path });
  } catch (error) {
    if (hasCode(error, "KUBERNETES_NOT_FOUND")) return undefined;
    throw error;
  }
}

function tokensPath(namespace: string): string {
  return `/apis/management.cattle.io/v3/namespaces/${namespace}/clusterregistrationtokens`;
}

/**
 * Name of the management cluster behind a provisioning cluster, which is also the namespace of its tokens.
 * @returns undefined while Rancher has not made it
 */
export async function managementCluster(
  kubernetes: Kubernetes,
  namespace: string,
  clusterName: string,
): Promise<string | undefined> {
  const path = `/apis/provisioning.cattle.io/v1/namespaces/${namespace}/clusters/${clusterName}`;
  return stringAt(await readOrNothing(kubernetes, path), "status", "clusterName") || undefined;
}

/** Makes the ClusterRegistrationToken unless it is there; Rancher then fills in its token. */
export async function ensureClusterRegistrationToken(kubernetes: Kubernetes, where: TokenReference): Promise<void> {
  if ((await readOrNothing(kubernetes, `${tokensPath(where.namespace)}/${where.name}`)) !== undefined) return;
  const body = {
    apiVersion: "management.cattle.io/v3",
    kind: "ClusterRegistrationToken",
    metadata: where,
    spec: { clusterName: where.namespace },
  };
  try {
    await kubernetes.send({ method: "POST", path: tokensPath(where.namespace), body });
  } catch (error) {
    if (!hasCode(error, "KUBERNETES_ALREADY_EXISTS")) throw error;
  }
}

/** Deletes it; one that is gone is fine. */
export async function deleteClusterRegistrationToken(kubernetes: Kubernetes, where: TokenReference): Promise<void> {
  try {
    await kubernetes.send({ method: "DELETE", path: `${tokensPath(where.namespace)}/${where.name}` });
  } catch (error) {
    if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
  }
}

/**
 * The token's value.
 * @throws InventoryError  CLUSTER_NOT_ASSIGNED, CLUSTER_TOKEN_NOT_ASSIGNED: both end by themselves or by an administrator
 * @throws KubernetesError
 */
export async function clusterToken(kubernetes: Kubernetes, inventory: MachineInventory): Promise<string> {
  if (!inventory.spec.clusterName) throw new InventoryError("CLUSTER_NOT_ASSIGNED", "cluster not assigned");
  const namespace = inventory.status?.clusterRegistrationTokenNamespace;
  const name = inventory.status?.clusterRegistrationTokenName;
  const found = namespace && name ? await readOrNothing(kubernetes, `${tokensPath(namespace)}/${name}`) : undefined;
  const token = stringAt(found, "status", "token");
  if (token === "") throw new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", "cluster token not assigned");
  return token;
}
