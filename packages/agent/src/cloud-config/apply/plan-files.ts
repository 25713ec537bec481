/** The files of a cloud-config on a machine: which of them differ from what is there. */
import { hasCode } from "@rancheros/protocol/errors";
import { posix } from "node:path";

import { READ_MAX_BYTES, type FoundFile, type NewFile, type RootFiles } from "../../files/index.ts";
import { CONFIG_PLACE, joinConfig } from "../../rancherd/index.ts";
import { attempt } from "./attempt.ts";
import type { CloudConfig, UserSetting } from "../cloud-config.ts";
import { groupId, userId, type Account, type Accounts } from "./accounts.ts";
import type { Activation, Change } from "./change.ts";
import { joinKeys } from "./join-keys.ts";
import { hasZone, LOCALTIME_PLACE, TIMEZONE_PLACE } from "./timezone.ts";

export interface FilePlan {
  readonly change: Change;
  readonly file: NewFile;
}

export interface FilesPlanned {
  readonly plans: readonly FilePlan[];
  /** What cannot be done on this machine. */
  readonly problems: readonly string[];
  /** What is left out, and why. */
  readonly remarks: readonly string[];
}

type Reading = Pick<RootFiles, "read" | "kind">;

const ROOT = { uid: 0, gid: 0 };
const WRITTEN_BY = "# Written by ros-agent from the cloud-config of this machine.\n";
export const TIMESYNCD_PLACE = "/etc/systemd/timesyncd.conf.d/95-ros-agent.conf";
export const SYSCTL_PLACE = "/etc/sysctl.d/95-ros-agent.conf";
export const MODULES_PLACE = "/etc/modules-load.d/95-ros-agent.conf";

export interface PlanFilesOptions {
  readonly dryRun: boolean;
  /** What rancherd's own file gets as well; undefined for nothing. */
  readonly answer: Readonly<Record<string, unknown>> | undefined;
}

/** @param accounts  after users are made; of users that are yet to be made, their files belong to root in a dry run */
export async function planFiles(
  files: Reading,
  config: CloudConfig,
  accounts: Accounts,
  { dryRun, answer }: PlanFilesOptions,
): Promise<FilesPlanned> {
  const problems: string[] = [];
  const remarks: string[] = [];
  // One word for a path: two that differ would take turns, each time that they are applied.
  const wanted = new Map<string, Wanted>();
  for (const one of writeFiles(config, accounts, dryRun, problems)) wanted.set(placeOf(one.file.path), one);
  await addKeyFiles(files, config, accounts, { problems, wanted });
  await attempt(problems, () => Promise.resolve(joinAnswer(wanted, answer, remarks)));
  const leaveOut = (path: string, content: NewFile["content"] | undefined): void => {
    const written = wanted.get(path)?.file.content;
    if (written === undefined || (content !== undefined && Buffer.from(written).equals(Buffer.from(content)))) return;
    wanted.delete(path);
    remarks.push(`${path} stands in write_files as well, with something else: that is left out`);
  };
  const { timezone } = config;
  if (timezone !== undefined && (await hasZone(files, timezone))) {
    leaveOut(LOCALTIME_PLACE, undefined);
    leaveOut(TIMEZONE_PLACE, `${timezone}\n`);
  }
  for (const one of systemFiles(config)) {
    leaveOut(one.file.path, one.file.content);
    wanted.set(one.file.path, one);
  }
  const plans: FilePlan[] = [];
  for (const one of wanted.values()) {
    await attempt(problems, async () => plans.push(...(await planFile(files, one))));
  }
  return { plans, problems, remarks };
}

/** As many slashes and dots as it may be written with. */
function placeOf(path: string): string {
  return posix.normalize(path);
}

async function planFile(files: Reading, { file, activates }: Wanted): Promise<readonly FilePlan[]> {
  const found = await foundAt(files, file);
  if (typeof found === "object" && isSame(found, file)) return [];
  const after = textOf(file.content);
  const before = typeof found === "object" ? textOf(found.content) : found;
  // The diff shows what was there as well.
  const wasMode = typeof found === "object" ? found.mode : file.mode;
  const isSecret = (file.mode & wasMode & 0o004) === 0;
  // What differs in owner and permissions only is a change as well.
  const marked = before === after ? `${after}# mode ${file.mode.toString(8)} owner ${file.uid}:${file.gid}\n` : after;
  const change: Change = { subject: file.path, before, after: marked, isSecret };
  return [{ change: activates === undefined ? change : { ...change, activates }, file }];
}

interface Wanted {
  readonly file: NewFile;
  readonly activates?: Activation;
}

/**
 * A link in the place of a file is replaced, so what it leads to is of no interest.
 * @returns words in place of a file that is larger than any that a cloud-config may hold: it is another one for certain
 */
async function foundAt(files: Reading, { path }: NewFile): Promise<FoundFile | string | undefined> {
  if ((await files.kind(path)) === "link") return undefined;
  try {
    return await files.read(path);
  } catch (error) {
    if (!hasCode(error, "FILES_TOO_LARGE")) throw error;
    return `(more than ${READ_MAX_BYTES} bytes)\n`;
  }
}

function writeFiles(
  { files, users }: CloudConfig,
  accounts: Accounts,
  dryRun: boolean,
  problems: string[],
): readonly Wanted[] {
  // In a dry run users and groups of the same cloud-config are not there yet; otherwise they could not be made.
  const planned = new Set(dryRun ? users.flatMap(({ name, groups }) => [name, ...groups]) : []);
  return files.flatMap(({ path, content, mode, user, group }) => {
    const uid = userId(accounts, user) ?? (planned.has(user) ? 0 : undefined);
    const ownGroup = accounts.users.get(user)?.gid ?? 0;
    const gid = group === undefined ? ownGroup : (groupId(accounts, group) ?? (planned.has(group) ? 0 : undefined));
    if (uid !== undefined && gid !== undefined) return [{ file: { path, content, mode, uid, gid } }];
    problems.push(`the owner of ${path} is not there: ${group === undefined ? user : `${user}:${group}`}`);
    return [];
  });
}

/** Keys come to those of the file that is about to be written. */
async function addKeyFiles(
  files: Reading,
  config: CloudConfig,
  accounts: Accounts,
  { problems, wanted }: { readonly problems: string[]; readonly wanted: Map<string, Wanted> },
): Promise<void> {
  for (const [name, keys] of keysByUser(config)) {
    const account = accounts.users.get(name);
    if (account !== undefined) {
      const place = placeOf(`${account.home}/.ssh/authorized_keys`);
      const written = wanted.get(place)?.file.content;
      await attempt(problems, async () => {
        wanted.set(place, { file: await keyFile(files, account, keys, written) });
      });
    } else if (!config.users.some((user) => user.name === name)) problems.push(`there is no user ${name} for SSH keys`);
  }
}

/** Keys without a user are the first user's, or root's. */
function keysByUser({ users, authorizedKeys }: CloudConfig): ReadonlyMap<string, readonly string[]> {
  const byUser = new Map<string, readonly string[]>();
  const add = (name: string, keys: readonly string[]): void => {
    if (keys.length > 0) byUser.set(name, [...(byUser.get(name) ?? []), ...keys]);
  };
  for (const user of users) add(user.name, user.authorizedKeys);
  const [first]: readonly (UserSetting | undefined)[] = users;
  add(first?.name ?? "root", authorizedKeys);
  return byUser;
}

/**
 * What rancherd is to be told comes to a file of write_files that is rancherd's own, where it says nothing else itself.
 * @throws RancherdError RANCHERD_CONFIG_UNREADABLE: it is not written then, as rancherd would end on it
 */
function joinAnswer(wanted: Map<string, Wanted>, answer: PlanFilesOptions["answer"], remarks: string[]): void {
  const written = wanted.get(CONFIG_PLACE);
  if (written === undefined || answer === undefined) return;
  wanted.delete(CONFIG_PLACE);
  const { text, kept } = joinConfig(Buffer.from(written.file.content).toString("utf8"), answer, {});
  for (const key of kept) remarks.push(otherStays(key));
  // A token is in it.
  wanted.set(CONFIG_PLACE, { file: { ...written.file, content: text, mode: 0o600 } });
}

export function otherStays(key: string): string {
  return `${CONFIG_PLACE} has another ${key} already, which stays`;
}

/** @param written  what the cloud-config has for this file, in place of what is there */
async function keyFile(
  files: Reading,
  { home, uid, gid }: Account,
  keys: readonly string[],
  written: NewFile["content"] | undefined,
): Promise<NewFile> {
  const path = `${home}/.ssh/authorized_keys`;
  const current = written === undefined ? await ownKeys(files, path, uid) : Buffer.from(written).toString("utf8");
  const content = joinKeys(current, keys);
  return { path, content, mode: 0o600, uid, gid, folders: { mode: 0o700, uid, gid } };
}

/** A file of others that its user has given this name would become readable to the user. */
async function ownKeys(files: Reading, path: string, uid: number): Promise<string> {
  const found = await files.read(path);
  const isOwn = found !== undefined && (found.uid === uid || found.uid === 0) && found.names === 1;
  return isOwn ? found.content.toString("utf8") : "";
}

function systemFiles(config: CloudConfig): readonly Wanted[] {
  const wanted: Wanted[] = [];
  const add = (path: string, content: string, activates: Activation): void => {
    wanted.push({ file: { path, content, mode: 0o644, ...ROOT }, activates });
  };
  const { hostname, ntp, sysctl, modules } = config;
  if (hostname !== undefined) add("/etc/hostname", `${hostname}\n`, { kind: "hostname", hostname });
  if (ntp !== undefined && ntp.isEnabled && ntp.servers.length + ntp.pools.length > 0) {
    const lines = `[Time]\nNTP=${[...ntp.servers, ...ntp.pools].join(" ")}\n`;
    add(TIMESYNCD_PLACE, WRITTEN_BY + lines, { kind: "restart", unit: "systemd-timesyncd.service" });
  }
  if (sysctl.size > 0) {
    const lines = [...sysctl].map(([key, value]) => `${key} = ${value}\n`).join("");
    add(SYSCTL_PLACE, WRITTEN_BY + lines, { kind: "restart", unit: "systemd-sysctl.service" });
  }
  if (modules.length > 0) {
    const lines = modules.map((module) => `${module}\n`).join("");
    add(MODULES_PLACE, WRITTEN_BY + lines, { kind: "restart", unit: "systemd-modules-load.service" });
  }
  return wanted;
}

function isSame(found: FoundFile, file: NewFile): boolean {
  return (
    found.content.equals(Buffer.from(file.content)) &&
    found.mode === file.mode &&
    found.uid === file.uid &&
    found.gid === file.gid
  );
}

/** Binary files too have to be shown somehow. */
function textOf(content: Uint8Array | string): string {
  if (typeof content === "string") return content;
  const bytes = Buffer.from(content);
  const text = bytes.toString("utf8");
  return text.includes("\0") || text.includes("\uFFFD") ? `(binary, ${bytes.byteLength} bytes)\n` : text;
}
