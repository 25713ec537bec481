/** From the bytes of a cloud-config to what it says, with a place for everything that is wrong or odd. */
import type { CloudConfig, FileSetting, NtpSetting, RunCommand, UserSetting } from "./cloud-config.ts";
import { Judge, listOf, readMap, textLike } from "./judge.ts";
import { authorizedKeys } from "./keys/authorized-keys.ts";
import { hostname } from "./keys/hostname.ts";
import { ntp } from "./keys/ntp.ts";
import { runCommand } from "./keys/runcmd.ts";
import { kernelModule, sysctl } from "./keys/kernel.ts";
import { rancherd } from "./keys/rancherd.ts";
import { user } from "./keys/user.ts";
import { fileSetting } from "./keys/write-files.ts";
import { MAX_FINDINGS } from "./limits.ts";
import { placed, type Judged } from "./judged.ts";
import { plain, type Finding, type Located } from "./located.ts";
import { readDocument } from "./read-document.ts";

export interface ParsedCloudConfig {
  /** undefined where there are errors. */
  readonly config: CloudConfig | undefined;
  /** In the order of the document; errors first where there are too many. */
  readonly findings: readonly Finding[];
}

const HEADER = /^(\uFEFF)?#cloud-config\s*(\r?\n|$)/;
const TIMEZONE = /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,3}$/;
/** Keys of yip's own documents. Source: yip, pkg/schema */
const YIP_KEYS = ["name", "stages"] as const;

/**
 * @param bytes  untrusted: of any size and content. Never throws.
 * @param others  what those, to whom parts of it belong, say of the document; never throws either
 */
export function parseCloudConfig(
  bytes: Uint8Array,
  others: (document: unknown) => readonly Judged[] = () => [],
): ParsedCloudConfig {
  const { root, findings } = readDocument(bytes);
  if (root === undefined) return { config: undefined, findings: bounded(findings) };
  const judge = new Judge();
  if (!HEADER.test(new TextDecoder().decode(bytes.subarray(0, 64)))) {
    judge.warn(
      { line: 1, column: 1 },
      "",
      "the first line is not #cloud-config: cloud-init takes such a file for something else",
    );
  }
  const config = readConfig(judge, root);
  const all = [...findings, ...judge.findings, ...placed(root, others(plain(root)))];
  const isWrong = all.some(({ severity }) => severity === "error");
  return { config: isWrong ? undefined : config, findings: bounded(all) };
}

/** Files that a cloud-config names, whether or not all of it is right: other tools than ours apply what they can read. */
export interface NamedFiles {
  readonly files: readonly FileSetting[];
  /** The first thing that is wrong. */
  readonly wrong: Finding | undefined;
}

/** @param bytes  untrusted. Never throws. */
export function namedFiles(bytes: Uint8Array): NamedFiles {
  const { root, findings } = readDocument(bytes);
  const judge = new Judge();
  const files = root === undefined ? [] : readConfig(judge, root).files;
  const wrong = bounded([...findings, ...judge.findings]).find(({ severity }) => severity === "error");
  return { files, wrong };
}

function readConfig(judge: Judge, root: Located): CloudConfig {
  const found: {
    hostname?: string;
    ntp?: NtpSetting;
    timezone?: string;
    rancherd?: Readonly<Record<string, unknown>>;
  } = {};
  let users: readonly UserSetting[] = [];
  let keys: readonly string[] = [];
  let files: readonly FileSetting[] = [];
  let commands: readonly RunCommand[] = [];
  let settings: ReadonlyMap<string, string> = new Map();
  let modules: readonly string[] = [];
  readMap(judge, root, "", {
    hostname: (node, path) => setIf(hostname(judge, node, path), (value) => (found.hostname = value)),
    users: (node, path) => setIf(listOf(user)(judge, node, path), (value) => (users = value)),
    ssh_authorized_keys: (node, path) => setIf(authorizedKeys(judge, node, path), (value) => (keys = value)),
    write_files: (node, path) => setIf(listOf(fileSetting)(judge, node, path), (value) => (files = value)),
    runcmd: (node, path) => setIf(listOf(runCommand)(judge, node, path), (value) => (commands = value)),
    ntp: (node, path) => setIf(ntp(judge, node, path), (value) => (found.ntp = value)),
    timezone: (node, path) =>
      setIf(textLike(TIMEZONE, "a name such as Europe/Berlin")(judge, node, path), (value) => (found.timezone = value)),
    sysctl: (node, path) => setIf(sysctl(judge, node, path), (value) => (settings = value)),
    modules: (node, path) => setIf(listOf(kernelModule)(judge, node, path), (value) => (modules = value)),
    rancherd: (node, path) => setIf(rancherd(judge, node, path), (value) => (found.rancherd = value)),
    // Of the installation, which has a judge of its own.
    ...Object.fromEntries(
      spellingsOfOurs(root).map((key) => [
        key,
        (node: Located, path: string): void =>
          void (node.kind === "map" || judge.error(node.at, path, `${path} has to be a map`)),
      ]),
    ),
    ...Object.fromEntries(
      YIP_KEYS.map((key) => [
        key,
        (node: Located, path: string): void =>
          judge.warn(node.at, path, `only yip applies ${key}; without it, it is left out`),
      ]),
    ),
  });
  sayTwice(judge, root, users, files);
  return { ...found, users, authorizedKeys: keys, files, commands, sysctl: settings, modules };
}

/** The same user or file twice: which of them counts would depend on the tool that applies them. */
function sayTwice(judge: Judge, root: Located, users: readonly UserSetting[], files: readonly FileSetting[]): void {
  for (const [key, names] of [
    ["users", users.map(({ name }) => name)],
    ["write_files", files.map(({ path }) => path)],
  ] as const) {
    const node = root.kind === "map" ? root.entries.get(key)?.value : undefined;
    const twice = names.find((one, index) => names.indexOf(one) !== index);
    if (node !== undefined && twice !== undefined)
      judge.error(node.at, key, `${key} has ${JSON.stringify(twice)} twice`);
  }
}

/** The installation takes names in any case, with `_` and `-` or without. */
function spellingsOfOurs(root: Located): readonly string[] {
  const keys = root.kind === "map" ? [...root.entries.keys()] : [];
  return ["rancheros", ...keys.filter((key) => /^rancher[_-]?os$/i.test(key))];
}

function setIf<T>(value: T | undefined, set: (value: T) => void): void {
  if (value !== undefined) set(value);
}

function bounded(findings: readonly Finding[]): readonly Finding[] {
  const sorted = findings.toSorted((one, other) => one.line - other.line || one.column - other.column);
  if (sorted.length <= MAX_FINDINGS) return sorted;
  const errors = sorted.filter(({ severity }) => severity === "error");
  const kept = [...errors, ...sorted.filter(({ severity }) => severity !== "error")].slice(0, MAX_FINDINGS);
  const last = kept.at(-1) ?? { line: 1, column: 1 };
  const rest = `${sorted.length - kept.length} more are not shown`;
  return [...kept, { severity: "warning", path: "", line: last.line, column: last.column, sentence: rest }];
}
