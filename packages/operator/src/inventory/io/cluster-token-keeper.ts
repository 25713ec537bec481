/** Takes ClusterRegistrationTokens back whose machines are gone: at once where it sees one go, otherwise when it looks. */
import { isCodedError } from "@rancheros/protocol/errors";
import { createWorkQueue, readOrNothing, retryTimer, type ControllerParts } from "../../controller/index.ts";
import { errorFields } from "../../telemetry/index.ts";
import type { ClusterTokens, OwnedToken, TokenOwner } from "../cluster-tokens.ts";
import type { InventoryEntry, InventoryIndex } from "../inventory-index.ts";
import { inventoriesPath } from "./inventory-store.ts";

/** What a replica that stopped in between has left, or one that did not lead yet. */
const LOOK_EVERY_MS = 3_600_000;
const ALL = "all";

export interface ClusterTokenKeeper {
  /** Its inventory was deleted. */
  machineGone(entry: InventoryEntry): void;
  /** Looks whether there are tokens of machines that are gone. */
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
  { kubernetes, lead, log, watchNamespace }: ControllerParts,
  tokens: ClusterTokens,
  index: InventoryIndex,
): ClusterTokenKeeper {
  /** Until they are deleted; bounded by the machines that there were. */
  const going = new Map<string, OwnedToken>();

  async function isGone(owner: TokenOwner): Promise<boolean> {
    if (index.named({ metadata: owner })?.metadata.uid === owner.uid) return false;
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

  async function takeBack(key: string): Promise<void> {
    const token = going.get(key);
    if (token === undefined) return;
    if (!isTaken(token)) await tokens.delete(token.where, token.owner.uid);
    going.delete(key);
  }

  async function takeBackAll(): Promise<void> {
    for (const token of await tokens.owned()) {
      const { where, owner } = token;
      if (!lead.isLeader()) return;
      const isOurs = watchNamespace === undefined || watchNamespace === owner.namespace;
      if (isOurs && !isTaken(token) && (await isGone(owner))) await tokens.delete(where, owner.uid);
    }
  }

  const queue = createWorkQueue({
    async work(key) {
      if (!lead.isLeader()) {
        // Who leads next looks for itself.
        going.clear();
        return;
      }
      try {
        await (key === ALL ? takeBackAll() : takeBack(key));
      } catch (error) {
        if (!isCodedError(error) || error.retry !== "never") throw error;
        going.delete(key);
        log.warn("cluster tokens of deleted machines stay", errorFields(error));
      }
    },
    onFailure: (_key, error) => log.warn("cluster tokens of deleted machines not deleted yet", errorFields(error)),
    random: Math.random,
    setTimer: retryTimer,
  });
  const timer = setInterval(() => queue.add(ALL), LOOK_EVERY_MS);
  timer.unref();

  return {
    machineGone({ metadata: { namespace, name, uid }, clusterToken }) {
      if (clusterToken === undefined || !lead.isLeader()) return;
      going.set(uid, { where: clusterToken, owner: { namespace, name, uid } });
      queue.add(uid);
    },
    look: () => queue.add(ALL),
    stop() {
      clearInterval(timer);
      queue.stop();
    },
  };
}
