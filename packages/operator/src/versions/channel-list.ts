/** From what a channel gives to the versions that are to be there: bounded, and each bad entry named. */
import { parseManagedOSVersionSpec, type ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { compareVersions, parseVersion, type Version } from "@rancheros/protocol/versions";
import type { CompiledChannel } from "./channel-source.ts";
import { ChannelError } from "./errors.ts";
import { isDeeperThan } from "./is-deeper-than.ts";
import { objectName } from "./object-name.ts";
import { readVersion } from "./version-facts.ts";

/** One version that is to be there. */
export interface Wanted {
  /** Of the object. */
  readonly name: string;
  /** What the channel calls it, where that is no name of an object. */
  readonly nameInChannel: string | undefined;
  readonly spec: ManagedOSVersionSpec;
}

/** An entry as a source has it, not looked at yet. */
export interface RawEntry {
  readonly name: unknown;
  readonly spec: unknown;
}

export interface ChannelContent {
  /** The newest first. */
  readonly wanted: readonly Wanted[];
  /** Names of objects whose entries are there and cannot be read: nothing is known of them, nor that they are gone. */
  readonly unread: ReadonlySet<string>;
  /** How many entries were not taken. */
  readonly skipped: number;
  /** Why, of the first of them. */
  readonly problems: readonly string[];
}

export const LIST_MAX_BYTES = 4 * 1024 * 1024;
/** Entries can be as small as one digit, and what is made of each is not. */
const ENTRIES_MAX = 10_000;
const ENTRY_MAX_BYTES = 64 * 1024;
const DEPTH_MAX = 16;
const PROBLEMS_MAX = 5;
const WORDS_MAX = 160;

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, key)
    ? Reflect.get(holder, key)
    : undefined;
}

/** @throws ChannelError CHANNEL_NONSENSE. @param what  for messages: whose list it is */
export function readEntries(body: Buffer, what: string): readonly RawEntry[] {
  const text = body
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trim();
  if (text === "") throw new ChannelError("CHANNEL_NONSENSE", `${what}: gives nothing`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const kind = text.startsWith("<") ? "a web page instead of JSON" : "something other than JSON";
    throw new ChannelError("CHANNEL_NONSENSE", `${what}: gives ${kind}`, { cause });
  }
  if (!Array.isArray(document)) throw new ChannelError("CHANNEL_NONSENSE", `${what}: gives JSON, but no list`);
  if (document.length > ENTRIES_MAX) {
    throw new ChannelError("CHANNEL_NONSENSE", `${what}: gives ${document.length} entries, more than ${ENTRIES_MAX}`);
  }
  return document.map((entry: unknown) => ({
    name: child(child(entry, "metadata"), "name"),
    spec: child(entry, "spec"),
  }));
}

/** Put before the name of the image, as the original does. */
function withRegistry(
  spec: ManagedOSVersionSpec,
  { registry, upgradeContainer }: CompiledChannel,
): ManagedOSVersionSpec {
  const image = spec.metadata?.upgradeImage;
  const isPrefixed = registry !== "" && image !== undefined && image !== "";
  return {
    ...spec,
    ...(isPrefixed ? { metadata: { ...spec.metadata, upgradeImage: `${registry}/${image}` } } : {}),
    ...(upgradeContainer === undefined ? {} : { upgradeContainer }),
  };
}

/** @returns words for what is wrong, where something is */
function readEntry({ name, spec }: RawEntry, channel: CompiledChannel): { wanted: Wanted; version: Version } | string {
  if (typeof name !== "string" || name === "") return "metadata.name: is missing";
  if (isDeeperThan(spec, DEPTH_MAX)) return "spec: is nested too deeply";
  if (spec === undefined || Buffer.byteLength(JSON.stringify(spec)) > ENTRY_MAX_BYTES) {
    return `spec: is missing, or larger than ${ENTRY_MAX_BYTES} bytes`;
  }
  const parsed = parseManagedOSVersionSpec(spec);
  if (!parsed.ok) return `spec: ${parsed.problems.slice(0, 3).join("; ")}`;
  const full = withRegistry(parsed.value, channel);
  const version = parseVersion(full.version);
  if (version === undefined) return `spec.version: ${JSON.stringify(full.version)} is no semantic version`;
  const reading = readVersion(full);
  if (!reading.ok && reading.reason !== "IsIso") return reading.message;
  const own = objectName(name);
  return { wanted: { name: own, nameInChannel: own === name ? undefined : name.slice(0, 1_024), spec: full }, version };
}

function called({ name }: RawEntry, index: number): string {
  return typeof name === "string" && name !== "" ? JSON.stringify(name.slice(0, 64)) : `entry ${index + 1}`;
}

/** Entries in the order of their versions, as many as the channel may have; of two of one name the first is taken. */
export function channelContent(entries: readonly RawEntry[], channel: CompiledChannel): ChannelContent {
  const problems: string[] = [];
  let skipped = 0;
  const skip = (text: string): void => {
    skipped += 1;
    if (problems.length < PROBLEMS_MAX) problems.push(text.slice(0, WORDS_MAX));
  };
  const unread = new Set<string>();
  const taken = new Map<string, { wanted: Wanted; version: Version }>();
  for (const [index, entry] of entries.entries()) {
    const read = readEntry(entry, channel);
    if (typeof read === "string") {
      skip(`${called(entry, index)}: ${read}`);
      if (typeof entry.name === "string" && entry.name !== "") unread.add(objectName(entry.name));
    } else if (taken.has(read.wanted.name)) skip(`${called(entry, index)}: is there twice`);
    else taken.set(read.wanted.name, read);
  }
  for (const name of taken.keys()) unread.delete(name);
  const newest = [...taken.values()].sort(
    (a, b) => compareVersions(b.version, a.version) || (a.wanted.name < b.wanted.name ? -1 : 1),
  );
  const left = newest.length - channel.maxVersions;
  if (left > 0) {
    skipped += left;
    problems.unshift(`${left} older versions are left out: a channel has at most ${channel.maxVersions}`);
  }
  return { wanted: newest.slice(0, channel.maxVersions).map(({ wanted }) => wanted), unread, skipped, problems };
}

/** Tags that are versions in the range. */
export function entriesOfTags(
  tags: readonly string[],
  source: { readonly name: string; readonly minVersion: string | undefined },
  isIn: (version: Version) => boolean,
  channelName: string,
): readonly RawEntry[] {
  return tags.flatMap((tag) => {
    const version = parseVersion(tag);
    if (version === undefined || !isIn(version)) return [];
    const metadata = { upgradeImage: `${source.name}:${tag}`, displayName: tag };
    const minVersion = source.minVersion === undefined ? {} : { minVersion: source.minVersion };
    return [{ name: `${channelName}-${tag}`, spec: { version: tag, type: "container", ...minVersion, metadata } }];
  });
}
