/** Keeps the index of all MachineInventories up to date, gives those that belong to a cluster their token, and all their status. */
import { isCodedError } from "@rancheros/protocol/errors";
import { API_GROUP, API_VERSION, machineInventory, MACHINE_TOKEN_SECRET_TYPE } from "@rancheros/protocol/resources";
import {
  collectionPath,
  createPacedQueue,
  createWorkQueue,
  retryTimer,
  watchResource,
  type ControllerParts,
  type NamedObject,
  type QueueLoad,
} from "../../controller/index.ts";
import { createTroubles, errorFields, hintOf, type ObjectReference } from "../../telemetry/index.ts";
import type { ClusterTokens } from "../cluster-tokens.ts";
import { DeletedChallenges } from "../deleted-challenges.ts";
import type { StatusUrgency } from "../due-status.ts";
import { duplicateError, duplicateSentence } from "../duplicate.ts";
import { HeldOnce } from "../held-once.ts";
import { inventoryEntry, type InventoryEntry } from "../inventory-entry.ts";
import { InventoryIndex } from "../inventory-index.ts";
import { tokenSecret, TokenSecretIndex, type TokenSecret } from "../token-secret-index.ts";
import { lookForAwaitedClusters } from "./awaited-clusters.ts";
import { keepClusterTokens } from "./cluster-token-keeper.ts";
import { settleInventory, settleStatus } from "./inventory-store.ts";

/** Statuses have time: 10,000 machines that registered in one go have theirs after eight minutes. */
const STATUS_WRITES_PER_SECOND = 20;
/** After somebody has changed spec.approval. */
const PROMPT_MS = 500;
/** From when a surplus machine was made: by then its maker has taken it away, or does not come to it any more. */
const SURPLUS_MS = 600_000;

/** A token that is still going, or a namespace that is still to come. */
const AWAITED_MS = 30_000;
/** Who looks for the cluster makes it sooner. */
const ABSENT_CLUSTER_MS = 600_000;

export interface InventoryOptions {
  /** From a registration to the status that its visit left out. */
  readonly statusDelayMs: number;
  /** Whether more machines than allowed would be there with it, so that its maker may be about to take it away. */
  readonly isSurplus: (entry: InventoryEntry) => boolean;
  /** Told of new machines and of changed ones, and of those that are gone; not of an inventory whose machine is another one's. */
  readonly onMachine: (entry: InventoryEntry) => void;
  readonly onMachineGone: (object: NamedObject) => void;
  /** Told once, at the replica that leads. @param sentence  what is wrong and what to do */
  readonly onUnreadable: (inventory: ObjectReference, sentence: string) => void;
  /** The same of one whose machine is another one's. */
  readonly onDuplicate: (inventory: ObjectReference, sentence: string) => void;
  /** See WatchedResource. */
  readonly onMachinesWentBack: () => void;
}

export interface InventoryController {
  readonly index: InventoryIndex;
  readonly tokenSecrets: TokenSecretIndex;
  /** The challenge that a machine used last before its inventory was deleted, within the time of a challenge. */
  readonly deletedChallenge: (ekHash: string) => string | undefined;
  /** The ClusterRegistrationToken that its status names could not be given to it. */
  readonly tokenMissed: (entry: InventoryEntry) => void;
  readonly synced: () => boolean;
  /** Of the one that was heard of least lately; see WatchHandle. */
  readonly quietMs: () => number;
  readonly queues: () => { readonly inventories: QueueLoad; readonly inventory_statuses: QueueLoad };
  stop(): Promise<void>;
}

/** An API server that begins forbids for a moment what it allows; for good it is where a right is missing. */
function isForbidden(error: unknown): boolean {
  return isCodedError(error) && [401, 403].some((status) => error.details["httpStatus"] === status);
}

/** Of what Rancher, or whoever makes clusters, has still to do; see WorkQueueOptions. */
function awaitedMs(error: unknown): number | undefined {
  if (!isCodedError(error) || error.code !== "CLUSTER_TOKEN_NOT_ASSIGNED") return undefined;
  return error.details["absentCluster"] === undefined ? AWAITED_MS : ABSENT_CLUSTER_MS;
}

export function runInventoryController(
  parts: ControllerParts,
  tokens: ClusterTokens,
  options: InventoryOptions,
): InventoryController {
  const { kubernetes, lead, log, watchNamespace, nowMs } = parts;
  const index = new InventoryIndex();
  const heldOnce = new HeldOnce();
  const tokenSecrets = new TokenSecretIndex();
  const deleted = new DeletedChallenges();
  const synced = { inventories: false, secrets: false };

  const troubles = createTroubles(() => performance.now());
  const statusTroubles = createTroubles(() => performance.now());

  const queue = createWorkQueue({
    async work(key) {
      // Who begins to lead looks at all of them.
      if (!lead.isLeader()) return;
      const [namespace = "", name = ""] = key.split("/", 2);
      const problem = await settleInventory(lead.kubernetes, tokens, namespace, name, (where, owner) =>
        index.isNamedByAnother(where, owner),
      );
      if (problem === undefined) troubles.over(key);
      else if (troubles.isNews(key, problem.message)) {
        log.warn("an inventory cannot be read", { inventory: key, ...errorFields(problem), hint: hintOf(problem) });
        const uid = index.named({ metadata: { namespace, name } })?.metadata.uid;
        options.onUnreadable({ namespace, name, uid }, problem.message);
      }
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      const waitsMs = awaitedMs(error);
      // Who looks for a cluster that is not there says so once for all its machines. Others may last.
      const isNews = waitsMs !== ABSENT_CLUSTER_MS && troubles.isNews(key, fields.error);
      const level = waitsMs === undefined ? "warn" : "info";
      log[isNews ? level : "debug"]("inventory not settled", { inventory: key, ...fields });
    },
    awaitedMs,
    random: Math.random,
    setTimer: retryTimer,
  });

  function tellDuplicate(entry: InventoryEntry, first: InventoryEntry): void {
    const { namespace, name, uid } = entry.metadata;
    const problem = duplicateError(entry, first);
    const fields = { inventory: `${namespace}/${name}`, ...errorFields(problem), hint: hintOf(problem) };
    log.warn("two inventories have one endorsement key", fields);
    options.onDuplicate({ namespace, name, uid }, problem.message);
  }

  function isHeldBack(entry: InventoryEntry | undefined): boolean {
    if (entry?.statusDue !== "later") return false;
    // Of a time that nobody can read, this is false: the status is written.
    return Math.abs(nowMs() - Date.parse(entry.createdAt)) < SURPLUS_MS && options.isSurplus(entry);
  }

  const statuses = createPacedQueue({
    delaysMs: { prompt: PROMPT_MS, later: options.statusDelayMs },
    intervalMs: 1_000 / STATUS_WRITES_PER_SECOND,
    async work(key) {
      if (!lead.isLeader()) return;
      const [namespace = "", name = ""] = key.split("/", 2);
      // Whoever sees a status takes the machine for one that was answered.
      if (isHeldBack(index.named({ metadata: { namespace, name } }))) {
        statuses.add(key, "later");
        return;
      }
      const entry = index.named({ metadata: { namespace, name } });
      const first = entry && index.firstBefore(entry);
      try {
        const isWritten = await settleStatus(lead.kubernetes, namespace, name, nowMs, first);
        if (isWritten && first && entry.duplicateSaid !== duplicateSentence(first)) tellDuplicate(entry, first);
      } catch (error) {
        if (!isCodedError(error) || error.retry !== "never" || isForbidden(error)) throw error;
        log.warn("status not written", { inventory: key, ...errorFields(error) });
      }
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      // Whose right is missing is said once in a while: the sentence names the machine, and there may be thousands.
      const [namespace = ""] = key.split("/", 1);
      const isNews = !isForbidden(error) || statusTroubles.isNews(namespace, "forbidden");
      log[isNews ? "warn" : "debug"]("status not written yet", { inventory: key, ...fields });
    },
    isKeysOwn: isForbidden,
    nowMs: () => performance.now(),
    random: Math.random,
    setTimer: retryTimer,
  });

  function queueWork(entry: InventoryEntry): void {
    if (entry.needsWork && lead.isLeader()) queue.add(`${entry.metadata.namespace}/${entry.metadata.name}`);
  }

  function dueOf(entry: InventoryEntry): StatusUrgency | undefined {
    if (entry.statusDue !== undefined || entry.isUnreadable || entry.beingDeleted) return entry.statusDue;
    return entry.duplicateSaid === duplicateSentence(index.firstBefore(entry)) ? undefined : "later";
  }

  function queueStatus(entry: InventoryEntry, before: InventoryEntry | undefined): void {
    const key = `${entry.metadata.namespace}/${entry.metadata.name}`;
    const due = dueOf(entry);
    if (due === undefined || !lead.isLeader()) {
      statuses.remove(key);
      return;
    }
    // Somebody has decided about a machine whose status says nothing yet.
    const isDecided = before?.metadata.uid === entry.metadata.uid && before.approval !== entry.approval;
    statuses.add(key, isDecided ? "prompt" : due);
  }

  function tellRollouts(entry: InventoryEntry): void {
    if (index.firstBefore(entry) === undefined) options.onMachine(entry);
    else options.onMachineGone(entry);
  }

  /** Changes the index, and tells of those whose machine is another one's from now on, or no other one's any more. */
  function changeIndex(ekHashes: readonly (string | undefined)[], change: () => void): void {
    const before = [...new Set(ekHashes)].map((ekHash) => [ekHash, index.firstWith(ekHash)?.metadata.uid] as const);
    change();
    for (const [ekHash, uid] of before) {
      if (ekHash === undefined || index.firstWith(ekHash)?.metadata.uid === uid) continue;
      for (const one of index.withEndorsementKey(ekHash)) {
        queueStatus(one, undefined);
        tellRollouts(one);
      }
    }
  }

  const clusterTokens = keepClusterTokens(parts, tokens, index);
  const awaitedClusters = lookForAwaitedClusters(parts, tokens, index, queueWork);

  lead.onLeading(() => {
    if (synced.inventories) clusterTokens.look();
    for (const entry of index.all()) {
      queueWork(entry);
      queueStatus(entry, undefined);
    }
  });

  const inventories = watchResource<InventoryEntry>(kubernetes, {
    path: collectionPath(`/apis/${API_GROUP}/${API_VERSION}`, machineInventory.plural, watchNamespace),
    keep(object) {
      const seen = inventoryEntry(object);
      return seen === undefined ? undefined : heldOnce.entry(seen, index.named(seen));
    },
    onChange(entry) {
      const before = index.named(entry);
      // Given to another cluster: the token of the first one is none for it.
      if (before !== undefined && before.rollout.clusterName !== entry.rollout.clusterName) {
        clusterTokens.tokenMissed(entry);
      }
      changeIndex([before?.ekHash, entry.ekHash], () => index.put(entry));
      queueStatus(entry, before);
      queueWork(entry);
      tellRollouts(entry);
    },
    onDelete(entry) {
      const key = `${entry.metadata.namespace}/${entry.metadata.name}`;
      statuses.remove(key);
      // One of the same name that comes is another one, of which nothing was said.
      troubles.over(key);
      const before = index.named(entry);
      const { ekHash, challenge } = before ?? {};
      if (ekHash !== undefined && challenge !== undefined) deleted.note(ekHash, challenge, performance.now());
      changeIndex([ekHash], () => index.delete(entry));
      if (before !== undefined) clusterTokens.machineGone(before);
      options.onMachineGone(entry);
    },
    onSynced() {
      synced.inventories = true;
      clusterTokens.look();
    },
    onWentBack: options.onMachinesWentBack,
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
    deletedChallenge: (ekHash) => deleted.last(ekHash, performance.now()),
    tokenMissed: (entry) => clusterTokens.tokenMissed(entry),
    synced: () => synced.inventories && synced.secrets,
    quietMs: () => Math.max(inventories.quietMs(), secrets.quietMs()),
    queues: () => ({ inventories: queue.load(), inventory_statuses: statuses.load() }),
    async stop() {
      queue.stop();
      statuses.stop();
      clusterTokens.stop();
      awaitedClusters.stop();
      await Promise.all([inventories.stop(), secrets.stop()]);
    },
  };
}
