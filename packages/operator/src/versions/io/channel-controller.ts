/** Follows ManagedOSVersionChannels, and lets them be read. */
import { hasCode } from "@rancheros/protocol/errors";
import {
  API_GROUP,
  API_VERSION,
  managedOSVersionChannel,
  parseManagedOSVersionChannel,
  type ManagedOSVersionChannel,
} from "@rancheros/protocol/resources";
import {
  collectionPath,
  createUnreadableMarks,
  keepParsed,
  readOrNothing,
  retryTimer,
  UNREADABLE,
  watchResource,
  type ControllerParts,
  type KeptObject,
} from "../../controller/index.ts";
import {
  createRegistryClient,
  listTags,
  readPullSecrets,
  type RegistryClient,
  type RegistryOutside,
  type RegistrySettings,
} from "../../registry/index.ts";
import { createTroubles, errorFields, hintOf } from "../../telemetry/index.ts";
import { channelCounts, type ChannelCounts } from "../catalog-counts.ts";
import { runChannelPod } from "../channel-pod.ts";
import { ChannelRuns } from "../channel-runs.ts";
import type { JsonSource } from "../channel-source.ts";
import { ChannelError } from "../errors.ts";
import { readList, type ListAnswer, type ReadListOptions } from "../read-list.ts";
import { syncChannel, type ChannelWorld, type Synced } from "../sync-channel.ts";
import { podCalls } from "./channel-pods.ts";
import { storedVersions, versionsInUse, versionWrites, type StoredObject } from "./version-store.ts";

/** What has come of reading a channel, for Events. */
export interface ChannelNews {
  readonly channel: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly reason: string;
  readonly message: string;
  readonly isTrouble: boolean;
}

export interface ChannelControllerOptions {
  readonly registry: RegistryOutside;
  readonly registrySettings: RegistrySettings;
  /** Content of --registry-ca. */
  readonly caPem: string | undefined;
  /** The operator's own image; undefined: channels of type custom are refused. */
  readonly podImage: string | undefined;
  /** Must not wait, and not throw. */
  readonly tell: (news: ChannelNews) => void;
  /** Told of each attempt, whether it is news or not. */
  readonly count: (result: "synced" | "failed") => void;
}

export interface ChannelController {
  readonly counts: () => ChannelCounts;
  stop(): Promise<void>;
}

const ABSENT_DELAY_MS = 30_000;
const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`;
/** As for other conditions of channels. */
const MESSAGE_MAX = 1_024;

/** With a client of its own where the channel has a CA or a proxy of its own. */
async function ask(
  source: JsonSource,
  options: ReadListOptions,
  { registry, caPem }: ChannelControllerOptions,
): Promise<ListAnswer> {
  if (source.caPem === undefined && source.proxy === undefined) return readList(registry, source, options);
  const bundle = [caPem, source.caPem].filter((pem) => pem !== undefined).join("\n");
  const { proxy } = source;
  const named = proxy === undefined || proxy === "none" ? undefined : proxy.href;
  const own = named === undefined ? {} : { HTTPS_PROXY: named, HTTP_PROXY: named };
  const client: RegistryClient = createRegistryClient({
    caPem: bundle === "" ? undefined : bundle,
    environment: proxy === undefined ? process.env : own,
  });
  try {
    return await readList(client, source, options);
  } finally {
    await client.close();
  }
}

function worldOf(parts: ControllerParts, options: ChannelControllerOptions): ChannelWorld<StoredObject> {
  const { kubernetes, lead } = parts;
  return {
    readList: (source, asked) => ask(source, asked, options),
    async listTags(source, namespace, signal) {
      const { credentials } = await readPullSecrets(kubernetes, namespace, source.pullSecrets);
      const { timeoutMs: deadlineMs, repository } = source;
      return listTags(options.registry, repository, {
        settings: options.registrySettings,
        credentials,
        deadlineMs,
        signal,
      });
    },
    async runPod(channel, source, signal) {
      const { podImage } = options;
      if (podImage === undefined) {
        const message =
          "spec.type: channels of type custom are off; see --channel-pod-image, the chart's channels.custom";
        throw new ChannelError("CHANNEL_INVALID", message);
      }
      return runChannelPod(channel, source, podImage, podCalls(kubernetes, lead.kubernetes, channel, signal));
    },
    readSecret: (namespace, name) =>
      readOrNothing(kubernetes, `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`),
    storedVersions: (channel) => storedVersions(kubernetes, channel),
    versionsInUse: (namespace) => versionsInUse(kubernetes, namespace),
    writes: (channel) => versionWrites(lead.kubernetes, channel),
  };
}

function sentenceOf({ versions, changes }: Synced): string {
  const { created, updated, removed } = changes;
  return `${versions} versions: ${created} made, ${updated} changed, ${removed} deleted`;
}

/** What a merge patch has to say for `next` to be stored without what was there before. */
function without(before: object, next: object): Readonly<Record<string, null>> {
  const gone = Object.keys(before).filter((key) => !(key in next));
  return Object.fromEntries(gone.map((key) => [key, null]));
}

export function runChannelController(parts: ControllerParts, options: ChannelControllerOptions): ChannelController {
  const { kubernetes, lead, log, watchNamespace, nowMs } = parts;
  const troubles = createTroubles(() => performance.now());
  const world = worldOf(parts, options);

  function tell({ metadata }: ManagedOSVersionChannel, reason: string, message: string, isTrouble: boolean): void {
    const { namespace, name, uid } = metadata;
    options.tell({ channel: { namespace, name, uid }, reason, message, isTrouble });
  }

  const runs = new ChannelRuns({
    sync: (channel, compiled, known, signal) => syncChannel(channel, compiled, world, known, signal),
    async writeStatus({ metadata, status: before = {} }, next) {
      const { namespace, name, uid } = metadata;
      const path = collectionPath(GROUP_PATH, managedOSVersionChannel.plural, namespace);
      try {
        const stored = await lead.kubernetes.send({
          method: "PATCH",
          path: `${path}/${name}/status`,
          contentType: "application/merge-patch+json",
          body: { metadata: { uid }, status: { ...without(before, next), ...next } },
        });
        const parsed = parseManagedOSVersionChannel(stored);
        return parsed.ok ? parsed.value : undefined;
      } catch (error) {
        // Gone, or another one of the same name.
        if (hasCode(error, "KUBERNETES_NOT_FOUND") || hasCode(error, "KUBERNETES_CONFLICT")) return undefined;
        throw error;
      }
    },
    isLeader: () => lead.isLeader(),
    onSynced(channel, synced) {
      const key = `${channel.metadata.namespace}/${channel.metadata.name}`;
      const { created, updated, removed } = synced.changes;
      troubles.over(key);
      options.count("synced");
      log.info("channel read", { channel: key, versions: synced.versions, created, updated, removed });
      if (created + updated + removed > 0) tell(channel, "Synchronized", sentenceOf(synced), false);
    },
    onFailed(channel, error) {
      const key = `${channel.metadata.namespace}/${channel.metadata.name}`;
      const fields = errorFields(error);
      options.count("failed");
      if (!troubles.isNews(key, fields.error)) return;
      log.warn("channel not read", { channel: key, ...fields, hint: hintOf(error) });
      tell(channel, fields.reason, fields.error, true);
    },
    nowMs,
    random: Math.random,
    setTimer: retryTimer,
  });
  lead.onLeading(() => runs.lookAll());

  const marks = createUnreadableMarks({
    lead,
    log,
    nowMs,
    group: GROUP_PATH,
    kind: managedOSVersionChannel.kind,
    plural: managedOSVersionChannel.plural,
    maxCharacters: MESSAGE_MAX,
    condition: { type: "Synced", status: "False" },
    onNews({ metadata: { namespace, name, uid } }, message) {
      log.warn("channel not understood", { channel: `${namespace}/${name}`, error: message });
      options.tell({ channel: { namespace, name, uid }, reason: UNREADABLE, message, isTrouble: true });
    },
  });

  const watch = watchResource<KeptObject<ManagedOSVersionChannel>>(kubernetes, {
    path: collectionPath(GROUP_PATH, managedOSVersionChannel.plural, watchNamespace),
    keep: keepParsed(parseManagedOSVersionChannel),
    onChange({ metadata, object: channel }) {
      if ("problems" in channel) {
        marks.put(channel);
        runs.delete({ metadata });
      } else {
        marks.delete(`${metadata.namespace}/${metadata.name}`);
        runs.put(channel);
      }
    },
    onDelete(object) {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      marks.delete(key);
      runs.delete(object);
      // One of the same name that comes is another one, of which nothing was said.
      troubles.over(key);
    },
    onSynced: () => troubles.over("watch"),
    onTrouble(error) {
      const fields = errorFields(error);
      if (!troubles.isNews("watch", fields.error)) return;
      log.warn("cannot follow ManagedOSVersionChannels", { ...fields, hint: hintOf(error) });
    },
    random: Math.random,
    absentDelayMs: ABSENT_DELAY_MS,
  });

  return {
    counts: () => channelCounts(runs.channels(), nowMs()),
    async stop() {
      marks.stop();
      await Promise.all([watch.stop(), runs.stop()]);
    },
  };
}
