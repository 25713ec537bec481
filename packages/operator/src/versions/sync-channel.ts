/** One reading of a channel: what it has, what is there, and what is to be written for that. */
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { isInRange, type Version } from "@rancheros/protocol/versions";
import { applySync, type VersionWrites } from "./apply-sync.ts";
import { channelContent, entriesOfTags, readEntries, type RawEntry } from "./channel-list.ts";
import type { ChannelSource, CompiledChannel, JsonSource, PodSource, TagsSource } from "./channel-source.ts";
import type { SyncOutcome } from "./channel-status.ts";
import { ChannelError } from "./errors.ts";
import { authorizationOf } from "./login.ts";
import type { TagList } from "../registry/index.ts";
import { planSync, type StoredVersion } from "./plan-sync.ts";
import type { ListAnswer, ReadListOptions } from "./read-list.ts";

/** What was read the last time, so that a server that says that nothing has changed need not send it again. */
export interface Remembered {
  /** UID and generation of the channel. */
  readonly of: string;
  readonly etag: string;
  /** As it was read: parsed entries would take many times as much. */
  readonly body: Buffer;
}

export interface ChannelWorld<Stored extends StoredVersion> {
  /** @throws ChannelError */
  readList(source: JsonSource, options: ReadListOptions): Promise<ListAnswer>;
  /** @throws RegistryError, KubernetesError */
  listTags(source: TagsSource, namespace: string, signal: AbortSignal): Promise<TagList>;
  /** What it wrote. @throws ChannelError, KubernetesError */
  runPod(channel: ManagedOSVersionChannel, source: PodSource, signal: AbortSignal): Promise<Buffer>;
  /** Undefined where there is none. @throws KubernetesError */
  readSecret(namespace: string, name: string): Promise<unknown>;
  /** All that the channel owns. @throws KubernetesError */
  storedVersions(channel: ManagedOSVersionChannel): Promise<readonly Stored[]>;
  /** Names that ManagedOSImages of the namespace name. @throws KubernetesError */
  versionsInUse(namespace: string): Promise<ReadonlySet<string>>;
  writes(channel: ManagedOSVersionChannel): VersionWrites<Stored>;
}

export interface Synced extends SyncOutcome {
  readonly changes: { readonly created: number; readonly updated: number; readonly removed: number };
  readonly remembered: Remembered | undefined;
}

interface Read {
  readonly entries: readonly RawEntry[];
  readonly remembered: Remembered | undefined;
  /** Why there may be other entries, of which nothing is known; undefined: these are all. */
  readonly whyPart: string | undefined;
  /** What is to be said where there are no entries; undefined: that there are none. */
  readonly whyEmpty?: string;
}

function generationOf({ metadata }: ManagedOSVersionChannel): string {
  return `${metadata.uid}/${metadata.generation ?? 0}`;
}

async function readJson<Stored extends StoredVersion>(
  channel: ManagedOSVersionChannel,
  source: JsonSource,
  world: ChannelWorld<Stored>,
  known: Remembered | undefined,
  signal: AbortSignal,
): Promise<Read> {
  const { namespace } = channel.metadata;
  const { secretName } = source;
  const authorization =
    secretName === undefined
      ? undefined
      : authorizationOf(await world.readSecret(namespace, secretName), `${namespace}/${secretName}`);
  const of = generationOf(channel);
  const held = known?.of === of ? known : undefined;
  const answer = await world.readList(source, { authorization, etag: held?.etag, signal });
  const { host } = source.url;
  if (answer.kind === "unchanged" && held !== undefined) {
    return { entries: readEntries(held.body, host), remembered: held, whyPart: undefined };
  }
  if (answer.kind === "unchanged") throw new ChannelError("CHANNEL_NONSENSE", `${host}: says nothing`);
  const { body, etag } = answer;
  const entries = readEntries(body, host);
  return { entries, remembered: etag === undefined ? undefined : { of, etag, body }, whyPart: undefined };
}

function isWanted({ range, withPreReleases }: TagsSource, version: Version): boolean {
  return range === undefined ? withPreReleases || version.pre.length === 0 : isInRange(range, version);
}

async function read<Stored extends StoredVersion>(
  channel: ManagedOSVersionChannel,
  source: ChannelSource,
  world: ChannelWorld<Stored>,
  known: Remembered | undefined,
  signal: AbortSignal,
): Promise<Read> {
  const { name, namespace } = channel.metadata;
  if (source.kind === "json") return readJson(channel, source, world, known, signal);
  if (source.kind === "custom") {
    const body = await world.runPod(channel, source, signal);
    const entries = readEntries(body, `container ${source.options.image.slice(0, 256)}`);
    return { entries, remembered: undefined, whyPart: undefined };
  }
  const { tags, unheard } = await world.listTags(source, namespace, signal);
  const entries = entriesOfTags(tags, source, (version) => isWanted(source, version), name);
  const whyEmpty = `none of its ${tags.length} tags is a version that is wanted`;
  return { entries, remembered: undefined, whyPart: unheard === undefined ? undefined : unheard.message, whyEmpty };
}

/**
 * @param signal  aborted where the channel is another one now, or somebody else's work
 * @throws ChannelError, RegistryError, KubernetesError, LeadershipError
 */
export async function syncChannel<Stored extends StoredVersion>(
  channel: ManagedOSVersionChannel,
  compiled: CompiledChannel & { readonly source: ChannelSource },
  world: ChannelWorld<Stored>,
  known: Remembered | undefined,
  signal: AbortSignal,
): Promise<Synced> {
  const {
    entries,
    remembered,
    whyPart,
    whyEmpty = "it has none",
  } = await read(channel, compiled.source, world, known, signal);
  const { wanted, unread, skipped, problems } = channelContent(entries, compiled);
  if (wanted.length === 0) {
    throw new ChannelError("CHANNEL_EMPTY", `no version can be taken: ${problems.join("; ") || whyEmpty}`);
  }
  const stored = await world.storedVersions(channel);
  const inUse = await world.versionsInUse(channel.metadata.namespace);
  if (signal.aborted) throw new ChannelError("CHANNEL_INTERRUPTED", "the channel was changed while it was read");
  const listed = new Set(wanted.map(({ name }) => name));
  // Of others nothing is known where this is a part only, nor that they are gone.
  const told = stored.filter(({ name }) => !unread.has(name) && (whyPart === undefined || listed.has(name)));
  const plan = planSync(wanted, told, inUse, compiled.deletes);
  const { problems: refused, ...changes } = await applySync(plan, world.writes(channel));
  return {
    versions: wanted.length - refused.length,
    skipped: skipped + refused.length,
    outOfSync: plan.outOfSync,
    problems: [...problems, ...refused].slice(0, 5),
    whyPart,
    changes,
    remembered,
  };
}
