/** Follows Fleet's Clusters and ClusterGroups. Where there is no Fleet, this stays quiet. */
import { hasCode } from "@rancheros/protocol/errors";
import { collectionPath, watchResource, type ControllerParts } from "../../controller/index.ts";
import { errorFields } from "../../telemetry/index.ts";
import { clusterEntry, FleetIndex, groupEntry, type ClusterEntry, type GroupEntry } from "../fleet-index.ts";

const FLEET_API = "/apis/fleet.cattle.io/v1alpha1";
/** Where there is no Fleet, it is looked for this often. */
const ABSENT_DELAY_MS = 5_000;

export interface FleetWatch {
  readonly index: FleetIndex;
  /** Whether both kinds have been read, or do not exist. */
  readonly synced: () => boolean;
  stop(): Promise<void>;
}

/** @param onChange  told of the namespace in which something has changed */
export function watchFleet(parts: ControllerParts, onChange: (namespace: string) => void): FleetWatch {
  const { kubernetes, log, watchNamespace } = parts;
  const index = new FleetIndex();
  const changed = new Set<string>();

  /** Of a whole list that is taken in at once, images hear once; and before anybody asks what they are for. */
  function note(namespace: string): void {
    if (changed.size === 0) queueMicrotask(tell);
    changed.add(namespace);
  }

  function tell(): void {
    const namespaces = [...changed];
    changed.clear();
    for (const namespace of namespaces) onChange(namespace);
  }

  const synced = { clusters: false, groups: false };

  const isAbsent = { clusters: false, groups: false };

  const listeners = (kind: keyof typeof synced) => ({
    onSynced() {
      synced[kind] = true;
      isAbsent[kind] = false;
    },
    onTrouble(error: unknown) {
      // No such kind: there is no Fleet here, which is nobody's trouble. Nor is that the API server makes ready for it.
      if (hasCode(error, "KUBERNETES_NOT_FOUND")) {
        synced[kind] = true;
        isAbsent[kind] = true;
      } else if (!isAbsent[kind] || !hasCode(error, "KUBERNETES_BUSY")) {
        log.warn("cannot follow Fleet's objects", { kind, ...errorFields(error) });
      }
    },
    random: Math.random,
    absentDelayMs: ABSENT_DELAY_MS,
  });

  const clusters = watchResource<ClusterEntry>(kubernetes, {
    path: collectionPath(FLEET_API, "clusters", watchNamespace),
    keep: clusterEntry,
    onChange(entry) {
      if (index.putCluster(entry)) note(entry.metadata.namespace);
    },
    onDelete(entry) {
      index.deleteCluster(entry);
      note(entry.metadata.namespace);
    },
    ...listeners("clusters"),
  });
  const groups = watchResource<GroupEntry>(kubernetes, {
    path: collectionPath(FLEET_API, "clustergroups", watchNamespace),
    keep: groupEntry,
    onChange(entry) {
      if (!index.putGroup(entry)) return;
      const { namespace, name } = entry.metadata;
      note(namespace);
      const problems = index.groupProblems(namespace, name);
      if (problems.length > 0) log.warn("ClusterGroup has no selector that is one", { problems: problems.join("; ") });
    },
    onDelete(entry) {
      index.deleteGroup(entry);
      note(entry.metadata.namespace);
    },
    ...listeners("groups"),
  });

  return {
    index,
    synced: () => synced.clusters && synced.groups,
    async stop() {
      await Promise.all([clusters.stop(), groups.stop()]);
    },
  };
}
