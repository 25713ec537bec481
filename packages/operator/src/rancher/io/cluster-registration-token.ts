/** ClusterRegistrationTokens of Rancher: with its own one each machine joins its cluster. */
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { InventoryError, type ClusterTokens } from "../../inventory/index.ts";

function stringAt(object: unknown, ...path: readonly string[]): string | undefined {
  let here = object;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Reflect.get(here, step);
  }
  return typeof here === "string" && here !== "" ? here : undefined;
}

function tokensPath(namespace: string): string {
  return `/apis/management.cattle.io/v3/namespaces/${namespace}/clusterregistrationtokens`;
}

/**
 * @throws KubernetesError  from every function; `ensure` also InventoryError CLUSTER_TOKEN_NOT_ASSIGNED where Rancher, or
 *                          the management cluster's namespace, is not whole yet
 */
export function rancherClusterTokens(kubernetes: Kubernetes): ClusterTokens {
  return {
    async managementCluster(namespace, clusterName) {
      const path = `/apis/provisioning.cattle.io/v1/namespaces/${namespace}/clusters/${clusterName}`;
      return stringAt(await readOrNothing(kubernetes, path), "status", "clusterName");
    },
    async ensure(where) {
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
        if (hasCode(error, "KUBERNETES_ALREADY_EXISTS")) return;
        if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
        // Rancher is on its way: of its kinds and namespaces some are there before the others.
        throw new InventoryError(
          "CLUSTER_TOKEN_NOT_ASSIGNED",
          `waiting for Rancher's ClusterRegistrationTokens in namespace ${where.namespace}`,
          { cause: error },
        );
      }
    },
    async delete(where) {
      try {
        await kubernetes.send({ method: "DELETE", path: `${tokensPath(where.namespace)}/${where.name}` });
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
      }
    },
    read: async (where) =>
      stringAt(await readOrNothing(kubernetes, `${tokensPath(where.namespace)}/${where.name}`), "status", "token"),
  };
}
