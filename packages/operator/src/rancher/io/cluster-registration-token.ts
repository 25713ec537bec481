/** ClusterRegistrationTokens of Rancher: with its own one each machine joins its cluster. */
import { hasCode } from "@rancheros/protocol/errors";
import { INVENTORY_NAME_ANNOTATION, INVENTORY_UID_LABEL } from "@rancheros/protocol/resources";
import { isObjectName, readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { InventoryError, type ClusterTokens, type OwnedToken } from "../../inventory/index.ts";

/** Of each token a few hundred bytes, and not the commands that Rancher writes into its status. */
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const OWNED_TOKENS = `/apis/management.cattle.io/v3/clusterregistrationtokens?limit=500&labelSelector=${encodeURIComponent(INVENTORY_UID_LABEL)}`;

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

/** Whose a token is, as its metadata says; undefined where that is incomplete. */
function ownedToken(object: unknown): OwnedToken | undefined {
  const [namespace, name] = [stringAt(object, "metadata", "namespace"), stringAt(object, "metadata", "name")];
  const uid = stringAt(object, "metadata", "labels", INVENTORY_UID_LABEL);
  const [home, machine, ...rest] =
    stringAt(object, "metadata", "annotations", INVENTORY_NAME_ANNOTATION)?.split("/") ?? [];
  if (!namespace || !name || !uid || !home || !machine || rest.length > 0) return undefined;
  return { where: { namespace, name }, owner: { namespace: home, name: machine, uid } };
}

/**
 * @throws KubernetesError  from every function; `ensure` also InventoryError CLUSTER_TOKEN_NOT_ASSIGNED where Rancher, or
 *                          the management cluster's namespace, is not whole yet
 */
export function rancherClusterTokens(kubernetes: Kubernetes): ClusterTokens {
  /** One that was made anew meanwhile under this name stays. */
  async function deleteToken(path: string, uid: string | undefined): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } };
    try {
      await kubernetes.send({ method: "DELETE", path, body });
    } catch (error) {
      if (!hasCode(error, "KUBERNETES_NOT_FOUND") && !hasCode(error, "KUBERNETES_CONFLICT")) throw error;
    }
  }

  /** Without a Rancher nobody knows the kind. */
  async function listOrNothing(path: string): Promise<unknown> {
    try {
      return await kubernetes.send({ method: "GET", path, accept: METADATA_LIST });
    } catch (error) {
      if (hasCode(error, "KUBERNETES_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  return {
    async managementCluster(namespace, clusterName) {
      // Whoever writes spec.clusterName may not name a cluster of another namespace.
      if (!isObjectName(clusterName)) return undefined;
      const path = `/apis/provisioning.cattle.io/v1/namespaces/${namespace}/clusters/${clusterName}`;
      return stringAt(await readOrNothing(kubernetes, path), "status", "clusterName");
    },
    async ensure(where, owner) {
      const path = `${tokensPath(where.namespace)}/${where.name}`;
      const found = await readOrNothing(kubernetes, path);
      const ownerUid = stringAt(found, "metadata", "labels", INVENTORY_UID_LABEL);
      // One that says nothing is the original operator's, for the same machine.
      if (found !== undefined && (ownerUid === undefined || ownerUid === owner.uid)) return;
      if (found !== undefined) {
        // The earlier machine must not come in with the token of the new one.
        await deleteToken(path, stringAt(found, "metadata", "uid"));
        const message = `waiting until the token of an earlier machine ${owner.namespace}/${owner.name} is gone`;
        throw new InventoryError("CLUSTER_TOKEN_NOT_ASSIGNED", message);
      }
      const body = {
        apiVersion: "management.cattle.io/v3",
        kind: "ClusterRegistrationToken",
        metadata: {
          ...where,
          labels: { [INVENTORY_UID_LABEL]: owner.uid },
          annotations: { [INVENTORY_NAME_ANNOTATION]: `${owner.namespace}/${owner.name}` },
        },
        spec: { clusterName: where.namespace },
      };
      try {
        await kubernetes.send({ method: "POST", path: tokensPath(where.namespace), body });
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
        // Rancher is on its way: of its kinds and namespaces some are there before the others.
        throw new InventoryError(
          "CLUSTER_TOKEN_NOT_ASSIGNED",
          `waiting for Rancher's ClusterRegistrationTokens in namespace ${where.namespace}`,
          { cause: error },
        );
      }
    },
    async delete(where, ownerUid) {
      const path = `${tokensPath(where.namespace)}/${where.name}`;
      const found = await readOrNothing(kubernetes, path);
      const uid = stringAt(found, "metadata", "uid");
      const saidUid = stringAt(found, "metadata", "labels", INVENTORY_UID_LABEL);
      if (uid !== undefined && (saidUid ?? ownerUid) === ownerUid) await deleteToken(path, uid);
    },
    async owned() {
      const found: OwnedToken[] = [];
      let next: string | undefined = "";
      while (next !== undefined) {
        const path = `${OWNED_TOKENS}&continue=${encodeURIComponent(next)}`;
        const list = await listOrNothing(path);
        const items: unknown = typeof list === "object" && list !== null && "items" in list ? list.items : [];
        for (const item of Array.isArray(items) ? items : []) {
          const token = ownedToken(item);
          if (token !== undefined) found.push(token);
        }
        next = stringAt(list, "metadata", "continue");
      }
      return found;
    },
    read: async (where) =>
      stringAt(await readOrNothing(kubernetes, `${tokensPath(where.namespace)}/${where.name}`), "status", "token"),
  };
}
