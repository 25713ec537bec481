/** Looks for clusters that machines name and that are not there: one question for each cluster, not for each machine. */
import { retryTimer, type ControllerParts } from "../../controller/index.ts";
import { createTroubles, errorFields } from "../../telemetry/index.ts";
import type { ClusterTokens } from "../cluster-tokens.ts";
import type { InventoryEntry } from "../inventory-entry.ts";
import type { InventoryIndex } from "../inventory-index.ts";

const LOOK_EVERY_MS = 30_000;
/** In one look: where there are more, the next ones have their turn in the next look. Four requests a second. */
const MOST_CLUSTERS = 120;

interface Awaited {
  readonly namespace: string;
  readonly clusterName: string;
  readonly machines: InventoryEntry[];
}

/** By NAMESPACE/NAME of the provisioning cluster. */
function awaitedIn(index: Pick<InventoryIndex, "all">): ReadonlyMap<string, Awaited> {
  const found = new Map<string, Awaited>();
  for (const entry of index.all()) {
    const { clusterName } = entry.rollout;
    if (!entry.needsWork || entry.beingDeleted || entry.clusterToken !== undefined || clusterName === undefined)
      continue;
    const { namespace } = entry.metadata;
    const key = `${namespace}/${clusterName}`;
    const awaited = found.get(key) ?? { namespace, clusterName, machines: [] };
    awaited.machines.push(entry);
    found.set(key, awaited);
  }
  return found;
}

/**
 * Begins at once, and goes on until it is stopped.
 * @param onThere  told of each machine that waits although its cluster is there, once while that is there
 */
export function lookForAwaitedClusters(
  { lead, log }: Pick<ControllerParts, "lead" | "log">,
  tokens: Pick<ClusterTokens, "managementCluster">,
  index: Pick<InventoryIndex, "all">,
  onThere: (entry: InventoryEntry) => void,
): { stop(): void } {
  const troubles = createTroubles(() => performance.now());
  /** Of the awaited ones, those that were there at their last turn, which may have been their first one. */
  const told = new Set<string>();
  let turn = 0;
  let isStopped = false;
  let cancel = next();

  function next(): () => void {
    return retryTimer(() => void run(), LOOK_EVERY_MS * (0.75 + Math.random() / 2));
  }

  async function run(): Promise<void> {
    try {
      await look();
    } catch (error) {
      // The work on each of the machines says so louder.
      log.debug("clusters not looked for", errorFields(error));
    }
    if (!isStopped) cancel = next();
  }

  async function look(): Promise<void> {
    if (!lead.isLeader()) return;
    const all = awaitedIn(index);
    for (const key of told) if (!all.has(key)) told.delete(key);
    const keys = [...all.keys()];
    turn = turn < keys.length ? turn : 0;
    for (const key of keys.slice(turn, turn + MOST_CLUSTERS)) {
      const awaited = all.get(key);
      if (awaited === undefined || isStopped) return;
      // Also after one about which nothing is to be found out.
      turn += 1;
      const home = await tokens.managementCluster(awaited.namespace, awaited.clusterName);
      if (home === undefined) isAbsent(key, awaited);
      else if (!told.has(key)) isThere(key, awaited);
    }
  }

  function isAbsent(key: string, { machines }: Awaited): void {
    told.delete(key);
    if (!troubles.isNews(key, "absent")) return;
    log.info("machines wait for a cluster that is not there", { cluster: key, machines: machines.length });
  }

  function isThere(key: string, { machines }: Awaited): void {
    told.add(key);
    troubles.over(key);
    for (const entry of machines) onThere(entry);
  }

  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
