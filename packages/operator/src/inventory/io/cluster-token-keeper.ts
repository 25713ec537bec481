/**
 * Keeps ClusterRegistrationTokens and machines together. Those of machines that are gone it takes back: at once where it
 * sees one go, otherwise when it looks. Those that machines' statuses name it marks as theirs, as builds before the mark
 * and the original operator did not, and has them made again where somebody has deleted them, or has given the machine
 * to another cluster; those of machines that were taken out of their cluster go.
 */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { createWorkQueue, readOrNothing, retryTimer, type ControllerParts } from "../../controller/index.ts";
import { errorFields } from "../../telemetry/index.ts";
import type { ClusterTokens, OwnedToken, TokenOwner } from "../cluster-tokens.ts";
import type { InventoryEntry } from "../inventory-entry.ts";
import type { InventoryIndex } from "../inventory-index.ts";
import { tokenBond } from "../token-bond.ts";
import { inventoriesPath, settleNamedToken } from "./inventory-store.ts";

/** What a replica that stopped in between has left, or one that did not lead yet; and what somebody has deleted. */
const LOOK_EVERY_MS = 600_000;
const ALL = "all";
/** Keys of machines whose token is looked at begin with it. */
const KEEP = "keep/";
/** Keys of tokens that are taken back begin with it. */
const GOING = "going/";

interface Going {
  readonly token: OwnedToken;
  /** Its machine was seen to go: nobody need be asked whether it has. */
  readonly isSeen: boolean;
}

function goingKey({ where, owner }: OwnedToken): string {
  return `${GOING}${where.namespace}/${where.name}/${owner.uid}`;
}

function clusterKey(namespace: string, clusterName: string): string {
  return `${namespace}/${clusterName}`;
}

export interface ClusterTokenKeeper {
  /** Its inventory was deleted. */
  machineGone(entry: InventoryEntry): void;
  /** Its token is asked for and not there. */
  tokenMissed(entry: InventoryEntry): void;
  /** Looks whether there are tokens of machines that are gone, and machines whose tokens are. */
  look(): void;
  stop(): void;
}

/** Whatever else is wrong with the object. */
function uidIn(object: unknown): unknown {
  const metadata: unknown = typeof object === "object" && object !== null ? Reflect.get(object, "metadata") : undefined;
  return typeof metadata === "object" && metadata !== null ? Reflect.get(metadata, "uid") : undefined;
}

/** @param tokens  through which only the leader writes */
export function keepClusterTokens(
  { lead, kubernetes, log, watchNamespace }: ControllerParts,
  tokens: ClusterTokens,
  index: InventoryIndex,
): ClusterTokenKeeper {
  /** By their keys, until they are deleted; bounded by the tokens that there were. */
  const going = new Map<string, Going>();
  /** Whether there was no Rancher at the last look. */
  let isAbsent = false;

  function isKnown(owner: TokenOwner): boolean {
    return index.named({ metadata: owner })?.metadata.uid === owner.uid;
  }

  async function isGone(owner: TokenOwner): Promise<boolean> {
    if (isKnown(owner)) return false;
    // The index may lag: the API server knows.
    const path = `${inventoriesPath(owner.namespace)}/${owner.name}`;
    const found = await readOrNothing(kubernetes, path);
    return found === undefined || uidIn(found) !== owner.uid;
  }

  /** By an object of the same name: a token that says nothing of its machine, or one of before a restore. */
  function isTaken({ where, owner }: OwnedToken): boolean {
    const successor = index.named({ metadata: owner })?.clusterToken;
    return successor?.name === where.name && successor.namespace === where.namespace;
  }

  async function deleteToken(token: OwnedToken): Promise<void> {
    const { where, owner } = token;
    if (isTaken(token)) return;
    const found = await tokens.find(where);
    const bond = found === undefined ? "foreign" : tokenBond(found, where, owner);
    // One of the same name that says another UID may be a successor's, whose status is still to be written.
    if (found !== undefined && (bond === "own" || bond === "unmarked")) await tokens.delete(where, found);
  }

  async function takeBack(key: string): Promise<void> {
    const found = going.get(key);
    if (found === undefined) return;
    if (found.isSeen || (await isGone(found.token.owner))) await deleteToken(found.token);
    // Otherwise its machine was seen to go in the meantime.
    if (going.get(key) === found) going.delete(key);
  }

  async function keepNamed(key: string): Promise<void> {
    const [namespace = "", name = ""] = key.split("/", 2);
    const kept = await settleNamedToken(lead.kubernetes, tokens, namespace, name);
    if (kept === "as-it-is") return;
    const sentence =
      kept === "marked" ? "cluster token marked as its machine's" : "inventory names its cluster token no more";
    log.info(sentence, { inventory: key });
  }

  /**
   * Management clusters of all clusters that machines with a token belong to, by clusterKey(): one question for each
   * cluster, not for each machine. failures: of those about which nothing was to be found out.
   */
  async function findHomes(): Promise<{ homes: ReadonlyMap<string, string>; failures: readonly unknown[] }> {
    const clusters = new Map<string, readonly [string, string]>();
    for (const { metadata, clusterToken, beingDeleted, rollout } of index.all()) {
      if (clusterToken === undefined || beingDeleted || rollout.clusterName === undefined) continue;
      clusters.set(clusterKey(metadata.namespace, rollout.clusterName), [metadata.namespace, rollout.clusterName]);
    }
    const homes = new Map<string, string>();
    const failures: unknown[] = [];
    for (const [key, [namespace, clusterName]] of clusters) {
      try {
        const home = await tokens.managementCluster(namespace, clusterName);
        if (home !== undefined) homes.set(key, home);
      } catch (error) {
        failures.push(error);
      }
    }
    return { homes, failures };
  }

  function queueGoing(owned: readonly OwnedToken[]): void {
    // Each for itself: one that cannot be taken back keeps no other.
    for (const token of owned) {
      const { owner } = token;
      const isOurs = watchNamespace === undefined || watchNamespace === owner.namespace;
      if (!isOurs || isTaken(token) || isKnown(owner)) continue;
      const key = goingKey(token);
      if (!going.has(key)) going.set(key, { token, isSeen: false });
      queue.add(key);
    }
  }

  async function lookAtAll(): Promise<void> {
    const owned = await tokens.owned();
    isAbsent = owned === undefined;
    // Without Rancher nothing is missed.
    if (owned === undefined) return;
    queueGoing(owned);
    const marked = new Set(owned.map(({ where, owner }) => `${where.namespace}/${where.name}/${owner.uid}`));
    const { homes, failures } = await findHomes();
    for (const { metadata, clusterToken, beingDeleted, rollout } of index.all()) {
      if (clusterToken === undefined || beingDeleted) continue;
      const isMarked = marked.has(`${clusterToken.namespace}/${clusterToken.name}/${metadata.uid}`);
      const home = homes.get(clusterKey(metadata.namespace, rollout.clusterName ?? ""));
      // Given to another cluster before that was there, or while nobody led.
      const isMoved = home !== undefined && home !== clusterToken.namespace;
      // Taken out of its cluster while nobody led; that the cluster is not to be found takes no token away.
      const isOut = rollout.clusterName === undefined;
      if (!isMarked || isMoved || isOut) queue.add(`${KEEP}${metadata.namespace}/${metadata.name}`);
    }
    if (failures.length > 0) throw failures[0];
  }

  async function work(key: string): Promise<void> {
    if (key === ALL) await lookAtAll();
    else if (key.startsWith(KEEP)) await keepNamed(key.slice(KEEP.length));
    else await takeBack(key);
  }

  const queue = createWorkQueue({
    async work(key) {
      if (!lead.isLeader()) {
        // Who leads next looks for itself.
        going.clear();
        return;
      }
      try {
        await work(key);
      } catch (error) {
        if (!isCodedError(error) || error.retry !== "never") throw error;
        going.delete(key);
        log.warn("cluster tokens stay as they are", errorFields(error));
      }
    },
    onFailure(_key, error) {
      // That the API server makes ready for its kinds is nobody's trouble.
      if (isAbsent && hasCode(error, "KUBERNETES_BUSY")) return;
      log.warn("cluster tokens not looked at yet", errorFields(error));
    },
    random: Math.random,
    setTimer: retryTimer,
  });
  const timer = setInterval(() => queue.add(ALL), LOOK_EVERY_MS);
  timer.unref();

  return {
    machineGone({ metadata: { namespace, name, uid }, clusterToken }) {
      if (clusterToken === undefined || !lead.isLeader()) return;
      const token = { where: clusterToken, owner: { namespace, name, uid } };
      going.set(goingKey(token), { token, isSeen: true });
      queue.add(goingKey(token));
    },
    tokenMissed({ metadata: { namespace, name }, clusterToken }) {
      if (clusterToken !== undefined && lead.isLeader()) queue.add(`${KEEP}${namespace}/${name}`);
    },
    look: () => queue.add(ALL),
    stop() {
      clearInterval(timer);
      queue.stop();
    },
  };
}
