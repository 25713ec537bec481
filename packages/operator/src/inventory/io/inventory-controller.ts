/** Keeps the index of all MachineInventories up to date, and gives those that belong to a cluster their token. */
import { hasCode } from "@rancheros/protocol/errors";
import { API_GROUP, API_VERSION, machineInventory, MACHINE_TOKEN_SECRET_TYPE } from "@rancheros/protocol/resources";
import {
  collectionPath,
  createWorkQueue,
  retryTimer,
  watchResource,
  type ControllerParts,
} from "../../controller/index.ts";
import { errorFields, hintOf } from "../../telemetry/index.ts";
import type { ClusterTokens } from "../cluster-tokens.ts";
import { inventoryEntry, InventoryIndex, type InventoryEntry } from "../inventory-index.ts";
import { tokenSecret, TokenSecretIndex, type TokenSecret } from "../token-secret-index.ts";
import { settleInventory } from "./inventory-store.ts";

export interface InventoryController {
  readonly index: InventoryIndex;
  readonly tokenSecrets: TokenSecretIndex;
  readonly synced: () => boolean;
  /** Of the one that was heard of least lately; see WatchHandle. */
  readonly quietMs: () => number;
  stop(): Promise<void>;
}

export function runInventoryController(parts: ControllerParts, tokens: ClusterTokens): InventoryController {
  const { kubernetes, log, watchNamespace } = parts;
  const index = new InventoryIndex();
  const tokenSecrets = new TokenSecretIndex();
  const synced = { inventories: false, secrets: false };

  const queue = createWorkQueue({
    async work(key) {
      const [namespace = "", name = ""] = key.split("/", 2);
      await settleInventory(kubernetes, tokens, namespace, name);
    },
    onFailure(key, error) {
      // A cluster that is not there yet is no trouble; the machine and kubectl say what is missing.
      const level = hasCode(error, "CLUSTER_TOKEN_NOT_ASSIGNED") ? "debug" : "warn";
      log[level]("inventory not settled", { inventory: key, ...errorFields(error) });
    },
    random: Math.random,
    setTimer: retryTimer,
  });

  const inventories = watchResource<InventoryEntry>(kubernetes, {
    path: collectionPath(`/apis/${API_GROUP}/${API_VERSION}`, machineInventory.plural, watchNamespace),
    keep: inventoryEntry,
    onChange(entry) {
      index.put(entry);
      if (entry.needsWork) queue.add(`${entry.metadata.namespace}/${entry.metadata.name}`);
    },
    onDelete: (entry) => index.delete(entry),
    onSynced() {
      synced.inventories = true;
    },
    onTrouble: (error) => log.warn("cannot follow MachineInventories", { ...errorFields(error), hint: hintOf(error) }),
    random: Math.random,
  });

  const secrets = watchResource<TokenSecret>(kubernetes, {
    path: collectionPath("/api/v1", "secrets", watchNamespace),
    fieldSelector: `type=${MACHINE_TOKEN_SECRET_TYPE}`,
    keep: tokenSecret,
    onChange: (secret) => tokenSecrets.put(secret),
    onDelete: (secret) => tokenSecrets.delete(secret),
    onSynced() {
      synced.secrets = true;
    },
    onTrouble: (error) => log.warn("cannot follow token Secrets", errorFields(error)),
    random: Math.random,
  });

  return {
    index,
    tokenSecrets,
    synced: () => synced.inventories && synced.secrets,
    quietMs: () => Math.max(inventories.quietMs(), secrets.quietMs()),
    async stop() {
      queue.stop();
      await Promise.all([inventories.stop(), secrets.stop()]);
    },
  };
}
