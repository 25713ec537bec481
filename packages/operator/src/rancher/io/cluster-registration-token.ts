/** ClusterRegistrationTokens of Rancher: with its own one each machine joins its cluster. */
import { hasCode } from "@rancheros/protocol/errors";
import { INVENTORY_NAME_ANNOTATION, INVENTORY_UID_LABEL } from "@rancheros/protocol/resources";
import { isObjectName, METADATA_ONLY, readOrNothing, type Kubernetes } from "../../controller/index.ts";
import {
  InventoryError,
  type ClusterTokens,
  type FoundToken,
  type OwnedToken,
  type TokenOwner,
  type TokenReference,
} from "../../inventory/index.ts";

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

function tokenPath({ namespace, name }: TokenReference): string {
  return `${tokensPath(namespace)}/${name}`;
}

/** What says whose it is. */
function marks({ namespace, name, uid }: TokenOwner): object {
  return {
    labels: { [INVENTORY_UID_LABEL]: uid },
    annotations: { [INVENTORY_NAME_ANNOTATION]: `${namespace}/${name}` },
  };
}

function foundToken(object: unknown): FoundToken | undefined {
  const uid = stringAt(object, "metadata", "uid");
  if (uid === undefined) return undefined;
  return {
    uid,
    resourceVersion: stringAt(object, "metadata", "resourceVersion") ?? "",
    ownerUid: stringAt(object, "metadata", "labels", INVENTORY_UID_LABEL),
    ownerName: stringAt(object, "metadata", "annotations", INVENTORY_NAME_ANNOTATION),
    value: stringAt(object, "status", "token"),
  };
}

/** Whose a token is, as its metadata says; undefined where that is incomplete, or no machine can have that name. */
function ownedToken(object: unknown): OwnedToken | undefined {
  const [namespace, name] = [stringAt(object, "metadata", "namespace"), stringAt(object, "metadata", "name")];
  const uid = stringAt(object, "metadata", "labels", INVENTORY_UID_LABEL);
  const [home, machine, ...rest] =
    stringAt(object, "metadata", "annotations", INVENTORY_NAME_ANNOTATION)?.split("/") ?? [];
  if (!namespace || !name || !uid || !home || !machine || rest.length > 0) return undefined;
  if (!isObjectName(home) || !isObjectName(machine)) return undefined;
  return { where: { namespace, name }, owner: { namespace: home, name: machine, uid } };
}

/** @throws KubernetesError  from every function */
export function rancherClusterTokens(kubernetes: Kubernetes): ClusterTokens {
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
    find: async (where) => foundToken(await readOrNothing(kubernetes, tokenPath(where))),
    async create(where, owner) {
      const body = {
        apiVersion: "management.cattle.io/v3",
        kind: "ClusterRegistrationToken",
        metadata: { ...where, ...marks(owner) },
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
    async mark(where, { uid, resourceVersion }, owner) {
      await kubernetes.send({
        method: "PATCH",
        path: tokenPath(where),
        contentType: "application/merge-patch+json",
        body: { metadata: { uid, resourceVersion, ...marks(owner) } },
        accept: METADATA_ONLY,
      });
    },
    async delete(where, { uid }) {
      const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } };
      try {
        await kubernetes.send({ method: "DELETE", path: tokenPath(where), body });
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND") && !hasCode(error, "KUBERNETES_CONFLICT")) throw error;
      }
    },
    async owned() {
      const found: OwnedToken[] = [];
      let next: string | undefined = "";
      while (next !== undefined) {
        const path = `${OWNED_TOKENS}&continue=${encodeURIComponent(next)}`;
        const list = await listOrNothing(path);
        if (list === undefined) return undefined;
        const items: unknown = typeof list === "object" && list !== null && "items" in list ? list.items : [];
        for (const item of Array.isArray(items) ? items : []) {
          const token = ownedToken(item);
          if (token !== undefined) found.push(token);
        }
        next = stringAt(list, "metadata", "continue");
      }
      return found;
    },
  };
}
