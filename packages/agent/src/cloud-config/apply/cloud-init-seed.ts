/** A cloud-config as a NoCloud seed: cloud-init applies it at the next start. A seed that somebody else has put there stays. */
import { createHash } from "node:crypto";
import { stringify } from "yaml";

import type { NewFile, RootFiles } from "../../files/index.ts";
import { withHeader, type GivenText } from "./hand-over.ts";

const SEED = "/var/lib/cloud/seed/nocloud";
const USER_DATA = `${SEED}/user-data`;
const META_DATA = `${SEED}/meta-data`;
/** In the record: the user-data of several files of which the agent has applied what cloud-init does not. */
const APPLIED = "applied";
const INSTANCES = "/var/lib/cloud/instances";
/** By which a later start knows its own. */
export const SEED_RECORD_PLACE = "/var/lib/rancheros/nocloud-seed.json";
const OWNER_ONLY = { mode: 0o600, uid: 0, gid: 0 };
const RECORD_FOLDERS = { folders: { mode: 0o700, uid: 0, gid: 0 } };

export interface SeedPlan {
  /** In the order in which they are to be written: the record first, or a killed write would leave a stranger's file. */
  readonly files: readonly NewFile[];
  /** Why there are none. */
  readonly problem: string | undefined;
  /** As hasCloudInitBegun says. */
  readonly hasBegun: boolean;
  /** Whether the seed says something of which nobody has applied all yet, where cloud-init has begun. */
  readonly isNews: boolean;
  /** Whether there is a seed of an earlier run. */
  readonly isThere: boolean;
}

/** Of each file what it is to be, and what was there before: a kill may keep the write from happening. */
type SeedRecord = Readonly<Record<string, readonly string[]>>;

/**
 * The instance-id is given once and kept. With another one cloud-init takes the machine for a new one: new SSH host keys,
 * passwords set again, every runcmd again.
 * Source: cloud-init, "NoCloud"; "Instance metadata, instance-id"; "Cloud config archive"; "Module frequency"; "Merging
 * user-data sections" and cloudinit/handlers/cloud_config.py, whose default is dict(replace)
 * @throws FilesError
 */
export async function planSeed(
  files: Pick<RootFiles, "read" | "kind">,
  given: readonly GivenText[],
): Promise<SeedPlan> {
  const [first, ...others] = given;
  const hasBegun = await hasCloudInitBegun(files);
  if (first === undefined) return { files: [], problem: undefined, hasBegun, isNews: false, isThere: false };
  const textAt = async (path: string): Promise<string | undefined> =>
    (await files.read(path))?.content.toString("utf8");
  const record = readRecord((await textAt(SEED_RECORD_PLACE)) ?? "");
  const present: Readonly<Record<string, string | undefined>> = {
    [USER_DATA]: await textAt(USER_DATA),
    [META_DATA]: await textAt(META_DATA),
  };
  const { [USER_DATA]: oldUserData, [META_DATA]: metaData } = present;
  // Of agents that kept no record: only they named the instance after this very user-data.
  const isOldPair = oldUserData !== undefined && metaData === metaDataOf(oldUserData);
  const isOurs = (path: string, text: string | undefined): boolean =>
    text === undefined || isOldPair || record[path]?.includes(digestOf(text)) === true;
  const strangers = [
    ...(isOurs(USER_DATA, oldUserData) ? [] : [USER_DATA]),
    ...(isOurs(META_DATA, metaData) ? [] : [META_DATA]),
  ];
  if (strangers.length > 0) {
    const names = strangers.join(" and ");
    const problem = `${names} is not what ros-agent has written, and stays: cloud-init gets nothing from here. Take it away, or have ros-agent apply the cloud-config itself (--tool native)`;
    return { files: [], problem, hasBegun, isNews: false, isThere: false };
  }
  const userData =
    others.length === 0
      ? withHeader(first.text)
      : `#cloud-config-archive\n${stringify(given.map(({ text }) => ({ type: "text/cloud-config", content: withHeader(text) })))}`;
  const wanted = [
    [USER_DATA, userData],
    [META_DATA, metaData ?? metaDataOf(userData)],
  ] as const;
  const next = Object.fromEntries(
    wanted.map(([path, text]) => {
      const before = present[path] ?? text;
      // As it is wanted, and known as ours: the record stays as it is, so that nothing changes a second time.
      if (before === text && record[path]?.includes(digestOf(text)) === true) return [path, record[path]];
      return [path, [...new Set([text, before].map(digestOf))]];
    }),
  );
  // Of several files cloud-init takes each list from the last one that has it: users and files of the others are left.
  const applied = hasBegun && others.length > 0 ? { [APPLIED]: [digestOf(userData)] } : {};
  const isApplied = others.length === 0 || record[APPLIED]?.includes(digestOf(userData)) === true;
  const recordFile = {
    path: SEED_RECORD_PLACE,
    content: `${JSON.stringify({ ...next, ...applied })}\n`,
    ...OWNER_ONLY,
    ...RECORD_FOLDERS,
  };
  const seed = wanted.map(([path, content]) => ({ path, content, ...OWNER_ONLY }));
  const isNews = oldUserData !== userData || !isApplied;
  return { files: [recordFile, ...seed], problem: undefined, hasBegun, isNews, isThere: oldUserData !== undefined };
}

/**
 * Whether cloud-init has begun the instance of our seed: what it does once an instance (users, files, runcmd) it does with
 * nothing that comes afterwards, until `cloud-init clean`.
 * Source: cloud-init, "Module frequency"; /var/lib/cloud/instances has a folder for each instance
 */
export async function hasCloudInitBegun(files: Pick<RootFiles, "read" | "kind">): Promise<boolean> {
  const metaData = (await files.read(META_DATA))?.content.toString("utf8") ?? "";
  const [, id] = /^instance-id: (ros-agent-[0-9a-f]{16})$/m.exec(metaData) ?? [];
  return id !== undefined && (await files.kind(`${INSTANCES}/${id}`)) === "folder";
}

function readRecord(text: string): SeedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).map(([path, digests]: [string, unknown]) => [
      path,
      Array.isArray(digests) ? digests.filter((one) => typeof one === "string") : [],
    ]),
  );
}

function metaDataOf(userData: string): string {
  return `instance-id: ros-agent-${digestOf(userData).slice(0, 16)}\n`;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
