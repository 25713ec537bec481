/** MachineInventories at the API server. */
import { hasCode, type CodedError } from "@rancheros/protocol/errors";
import {
  API_GROUP,
  API_VERSION,
  machineInventory,
  parseObjectMeta,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import {
  KubernetesError,
  METADATA_ONLY,
  readOrNothing,
  type Kubernetes,
  type NamedObject,
} from "../../controller/index.ts";
import type { InventoryStore } from "../claim-inventory.ts";
import { dueStatus } from "../due-status.ts";
import { duplicateFindings } from "../duplicate.ts";
import type { ClusterTokens, TokenOwner, TokenReference } from "../cluster-tokens.ts";
import { InventoryError, unreadableError } from "../errors.ts";
import { inventoryEntry, type InventoryEntry } from "../inventory-entry.ts";
import { readableInventory, type FieldPath } from "../readable-inventory.ts";
import { finalizersLeft, reconcileInventory } from "../reconcile-inventory.ts";
import { taintFindings } from "../usable-taints.ts";
import { ensureClusterToken, keepNamedToken } from "../settle-cluster-token.ts";

const MERGE_PATCH = "application/merge-patch+json";
/** More steps than one inventory can need, so that two writers that undo each other end. */
const STEP_LIMIT = 8;

export function inventoriesPath(namespace: string): string {
  return `/apis/${API_GROUP}/${API_VERSION}/namespaces/${namespace}/${machineInventory.plural}`;
}

/** With what was left out of its status; see readable-inventory.ts. */
export interface StoredInventory {
  readonly inventory: MachineInventory;
  readonly leftOut: readonly FieldPath[];
}

/**
 * As far as it can be read.
 * @returns undefined where it is gone
 * @throws InventoryError INVENTORY_UNREADABLE where that is not far enough
 * @throws KubernetesError, KUBERNETES_NONSENSE where it is no object
 */
export async function readStored(
  kubernetes: Kubernetes,
  namespace: string,
  name: string,
): Promise<StoredInventory | undefined> {
  const object = await readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`);
  if (object === undefined) return undefined;
  const read = readableInventory(object);
  if (read.ok) return read;
  const found = parseObjectMeta(object);
  if (found.ok) throw unreadableError(found.value.metadata, read.problems);
  throw new KubernetesError(
    "KUBERNETES_NONSENSE",
    `MachineInventory ${namespace}/${name}: ${read.problems.join("; ")}`,
  );
}

/** The same, of what is only read. */
export async function readInventory(
  kubernetes: Kubernetes,
  namespace: string,
  name: string,
): Promise<MachineInventory | undefined> {
  return (await readStored(kubernetes, namespace, name))?.inventory;
}

export function inventoryStore(kubernetes: Kubernetes): InventoryStore {
  /** @returns whether the API server took it, or the object was gone already; false where it is another one, or changed */
  async function deleteWhere({ namespace, name }: InventoryEntry["metadata"], preconditions: object): Promise<boolean> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
    try {
      await kubernetes.send({ method: "DELETE", path: `${inventoriesPath(namespace)}/${name}`, body });
      return true;
    } catch (error) {
      if (hasCode(error, "KUBERNETES_NOT_FOUND")) return true;
      if (hasCode(error, "KUBERNETES_CONFLICT")) return false;
      throw error;
    }
  }

  return {
    async create(object) {
      const path = inventoriesPath(object.metadata.namespace);
      // What we have just sent, with the SMBIOS of a whole server in it, need not come back.
      const made = await kubernetes.send({ method: "POST", path, body: object, accept: METADATA_ONLY });
      return typeof made === "object" && made !== null && "metadata" in made
        ? { ...object, metadata: made.metadata }
        : undefined;
    },
    read: (namespace, name) => readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`),
    async delete({ metadata }) {
      await deleteWhere(metadata, { uid: metadata.uid });
    },
    async withdraw({ metadata }) {
      const { namespace, name, uid, resourceVersion } = metadata;
      if (await deleteWhere(metadata, { uid, resourceVersion })) return undefined;
      const there = inventoryEntry(await readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`));
      return there?.metadata.uid !== uid || there.beingDeleted ? undefined : there;
    },
  };
}

/**
 * Merges the body into the object.
 * @param below  "" or /status
 * @param how    isOnTop: whoever has changed the object since, as long as it is the same object
 * @throws KubernetesError  KUBERNETES_CONFLICT where it was changed or is another one
 */
export async function patchInventory(
  kubernetes: Kubernetes,
  inventory: Pick<MachineInventory, "metadata">,
  below: string,
  body: object,
  how: { readonly isOnTop: boolean } = { isOnTop: false },
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = inventory.metadata;
  const metadata = "metadata" in body && typeof body.metadata === "object" ? body.metadata : {};
  await kubernetes.send({
    method: "PATCH",
    path: `${inventoriesPath(namespace)}/${name}${below}`,
    contentType: MERGE_PATCH,
    // The resource version makes a write on a changed object fail instead of undoing the change.
    body: { ...body, metadata: { ...metadata, ...(how.isOnTop ? { uid } : { resourceVersion }) } },
    accept: METADATA_ONLY,
  });
}

/**
 * Of one that cannot be read, the metadata can: nothing of ours is to hold it up.
 * @returns what people must know, and mend
 * @throws KubernetesError  to be tried again
 */
async function settleUnreadable(
  kubernetes: Kubernetes,
  object: unknown,
  problems: readonly string[],
): Promise<CodedError | undefined> {
  const parsed = parseObjectMeta(object);
  if (!parsed.ok) return undefined;
  const finalizers = finalizersLeft(parsed.value.metadata);
  try {
    if (finalizers !== undefined) await patchInventory(kubernetes, parsed.value, "", { metadata: { finalizers } });
  } catch (error) {
    // What it does not take because of what cannot be read, it does not take the next time.
    if (!(error instanceof KubernetesError) || error.code !== "KUBERNETES_REFUSED") throw error;
    return error;
  }
  return parsed.value.metadata.deletionTimestamp === undefined
    ? unreadableError(parsed.value.metadata, problems)
    : undefined;
}

/**
 * Brings one MachineInventory to where it needs nothing more.
 * @param isNamedByAnother  whether the status of another machine than this one names that token
 * @returns why that is only half done, and will be once somebody has changed it; undefined where all is well
 * @throws InventoryError, KubernetesError  to be tried again
 */
export async function settleInventory(
  kubernetes: Kubernetes,
  tokens: ClusterTokens,
  namespace: string,
  name: string,
  isNamedByAnother: (where: TokenReference, owner: TokenOwner) => boolean,
): Promise<CodedError | undefined> {
  let found: string | undefined;
  for (let count = 0; count < STEP_LIMIT; count += 1) {
    const object = await readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`);
    if (object === undefined) return undefined;
    const read = readableInventory(object);
    if (!read.ok) return settleUnreadable(kubernetes, object, read.problems);
    const { inventory } = read;
    const step = reconcileInventory(inventory, found);
    switch (step.kind) {
      case "done":
        return undefined;
      case "finalizers":
        await patchInventory(kubernetes, inventory, "", { metadata: { finalizers: step.finalizers } });
        break;
      case "find-cluster":
        found = await tokens.managementCluster(namespace, step.clusterName);
        if (found === undefined) {
          throw new InventoryError(
            "CLUSTER_TOKEN_NOT_ASSIGNED",
            `waiting for the management cluster of provisioning cluster ${namespace}/${step.clusterName}`,
            { details: { absentCluster: `${namespace}/${step.clusterName}` } },
          );
        }
        break;
      case "make-token": {
        const where = { namespace: step.namespace, name: step.name };
        await ensureClusterToken(tokens, where, inventory.metadata, () => isNamedByAnother(where, inventory.metadata));
        await patchInventory(kubernetes, inventory, "/status", {
          status: { clusterRegistrationTokenNamespace: step.namespace, clusterRegistrationTokenName: step.name },
        });
        break;
      }
    }
  }
  return undefined;
}

/**
 * Looks whether the token that the status of one MachineInventory names is there, and says whose it is. Of one that is
 * not there the status does not speak any more: then the inventory is one without a token, which gets one.
 * @throws KubernetesError  to be tried again
 */
export async function settleNamedToken(
  kubernetes: Kubernetes,
  tokens: ClusterTokens,
  namespace: string,
  name: string,
): Promise<"marked" | "missing" | "as-it-is"> {
  const object = await readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`);
  const read = readableInventory(object);
  // Of one that cannot be read, people are told by settleInventory.
  if (!read.ok) return "as-it-is";
  const kept = await keepNamedToken(read.inventory, tokens);
  if (kept !== "missing") return kept;
  await patchInventory(kubernetes, read.inventory, "/status", {
    status: { clusterRegistrationTokenNamespace: null, clusterRegistrationTokenName: null },
  });
  return kept;
}

/**
 * Writes what the status of one MachineInventory lacks. Nothing happens where that is there, where the object is none of
 * this kind, or where somebody writes at the same time: then the watch shows the object once more.
 * @param nowMs  the cluster's time
 * @param first  the inventory whose its machine is, where it is another one
 * @returns whether it was written
 * @throws KubernetesError  to be tried again
 */
export async function settleStatus(
  kubernetes: Kubernetes,
  namespace: string,
  name: string,
  nowMs: () => number,
  first?: NamedObject,
): Promise<boolean> {
  const read = readableInventory(await readOrNothing(kubernetes, `${inventoriesPath(namespace)}/${name}`));
  // Trying again makes no sense of it: whoever mends it makes the watch show it.
  if (!read.ok) return false;
  const { inventory, taintProblems = [] } = read;
  const beside = [...taintFindings(inventory, taintProblems), ...duplicateFindings(inventory, first)];
  const status = dueStatus(inventory, nowMs(), beside);
  if (status === undefined) return false;
  try {
    await patchInventory(kubernetes, inventory, "/status", { status });
    return true;
  } catch (error) {
    if (!hasCode(error, "KUBERNETES_CONFLICT") && !hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
    return false;
  }
}
