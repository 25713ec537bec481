/** Follows ManagedOSVersions, for the images that name them, and writes what they are good for. */
import {
  API_GROUP,
  API_VERSION,
  managedOSVersion,
  parseManagedOSVersion,
  type ManagedOSVersion,
} from "@rancheros/protocol/resources";
import {
  collectionPath,
  createUnreadableMarks,
  createWorkQueue,
  keepParsed,
  readOrNothing,
  retryTimer,
  watchResource,
  type ControllerParts,
  type KeptObject,
} from "../../controller/index.ts";
import { createTroubles, errorFields, hintOf } from "../../telemetry/index.ts";
import { versionCounts, type VersionCounts } from "../catalog-counts.ts";
import { dueVersionStatus } from "../due-version-status.ts";
import { VersionIndex, type VersionLookup } from "../version-index.ts";

/** Where the kind does not exist, as after an upgrade of the program alone, it is looked for this often. */
const ABSENT_DELAY_MS = 30_000;
const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`;
/** As for other conditions of versions. */
const MESSAGE_MAX = 1_024;

export interface VersionController {
  readonly versions: VersionLookup;
  readonly synced: () => boolean;
  readonly counts: () => VersionCounts;
  /** Takes what the API server says of the version now, where the watch may be late. @throws KubernetesError */
  refresh(namespace: string, name: string): Promise<void>;
  /** See WatchHandle. */
  quietMs(): number;
  stop(): Promise<void>;
}

function versionOf(object: unknown): ManagedOSVersion | undefined {
  const parsed = parseManagedOSVersion(object);
  return parsed.ok ? parsed.value : undefined;
}

/** @param onVersion  told of each that has come, changed, or gone */
export function runVersionController(
  parts: ControllerParts,
  onVersion: (namespace: string, name: string) => void,
): VersionController {
  const { kubernetes, lead, log, watchNamespace, nowMs } = parts;
  const index = new VersionIndex();
  const troubles = createTroubles(() => performance.now());
  let isSynced = false;

  const marks = createUnreadableMarks({
    lead,
    log,
    nowMs,
    group: GROUP_PATH,
    kind: managedOSVersion.kind,
    plural: managedOSVersion.plural,
    maxCharacters: MESSAGE_MAX,
    condition: { type: "Usable", status: "False" },
  });

  /** One that cannot be read is as one that is gone: rollouts go on with what they began with. */
  function take({ metadata, object: version }: KeptObject<ManagedOSVersion>): void {
    const { namespace, name } = metadata;
    const key = `${namespace}/${name}`;
    if ("problems" in version) {
      marks.put(version);
      index.delete(metadata);
    } else {
      marks.delete(key);
      index.put(version);
    }
    onVersion(namespace, name);
    queue.add(key);
  }

  const queue = createWorkQueue({
    async work(key) {
      const version = index.get(key);
      if (version === undefined || version.metadata.deletionTimestamp !== undefined || !lead.isLeader()) return;
      const status = dueVersionStatus(version, nowMs());
      if (status === undefined) return;
      const { namespace, name, uid, resourceVersion } = version.metadata;
      const path = collectionPath(GROUP_PATH, managedOSVersion.plural, namespace);
      const stored = versionOf(
        await lead.kubernetes.send({
          method: "PATCH",
          path: `${path}/${name}/status`,
          contentType: "application/merge-patch+json",
          body: { metadata: { uid, resourceVersion }, status },
        }),
      );
      // The next look must not find what was there before while the watch is on its way.
      if (stored !== undefined && index.get(key) === version) index.put(stored);
      troubles.over(key);
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      if (troubles.isNews(key, fields.error)) log.warn("version status not written", { version: key, ...fields });
    },
    random: Math.random,
    setTimer: retryTimer,
  });
  lead.onLeading(() => {
    for (const key of index.keys()) queue.add(key);
  });

  const watch = watchResource<KeptObject<ManagedOSVersion>>(kubernetes, {
    path: collectionPath(GROUP_PATH, managedOSVersion.plural, watchNamespace),
    keep: keepParsed(parseManagedOSVersion),
    onChange: take,
    onDelete({ metadata }) {
      const key = `${metadata.namespace}/${metadata.name}`;
      marks.delete(key);
      troubles.over(key);
      index.lose(metadata);
      onVersion(metadata.namespace, metadata.name);
    },
    onSynced() {
      isSynced = true;
    },
    onTrouble(error) {
      const fields = errorFields(error);
      if (!troubles.isNews("watch", fields.error)) return;
      log.warn("cannot follow ManagedOSVersions", { ...fields, hint: hintOf(error) });
    },
    random: Math.random,
    absentDelayMs: ABSENT_DELAY_MS,
  });

  return {
    versions: index,
    synced: () => isSynced,
    counts: () => versionCounts(index.all()),
    async refresh(namespace, name) {
      const path = collectionPath(GROUP_PATH, managedOSVersion.plural, namespace);
      const object = await readOrNothing(kubernetes, `${path}/${encodeURIComponent(name)}`);
      // That it is gone the watch says: an API server that begins lacks for a moment what it has.
      const stored = object === undefined ? undefined : versionOf(object);
      const known = index.get(`${namespace}/${name}`)?.metadata.resourceVersion;
      if (stored === undefined || stored.metadata.resourceVersion === known) return;
      if (index.renew(stored)) onVersion(namespace, name);
    },
    quietMs: () => watch.quietMs(),
    async stop() {
      queue.stop();
      marks.stop();
      await watch.stop();
    },
  };
}
