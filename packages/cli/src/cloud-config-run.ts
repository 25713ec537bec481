/** Reads and checks the cloud-configs that a command line names. */
import { join } from "node:path";
import {
  applyCloudConfig,
  CloudConfigError,
  parseCloudConfig,
  readGiven,
  type GivenConfig,
  type GivenFile,
  type Judged,
  type ParsedCloudConfig,
} from "@rancheros/agent/cloud-config";
import type { FilesError } from "@rancheros/agent/files";

import { CliError } from "./errors.ts";
import { describeFinding } from "./describe-finding.ts";
import type { Surroundings } from "./surroundings.ts";

/** Held by whoever applies a cloud-config. */
export const APPLY_LOCK = "config.lock";
const RUN_FOLDER = "run/rancheros";

export interface ReadConfig extends ParsedCloudConfig {
  readonly path: string;
  readonly text: string;
  /** Of a file in a folder that may be readable another time: nothing of it is known. */
  readonly failure?: FilesError;
}

/**
 * @param ifThere  files that are missing are none
 * @param judge    of parts that are not applied
 * @throws CliError CLI_FILE_UNREADABLE; FilesError
 */
export async function readConfigs(
  paths: readonly string[],
  {
    ifThere = false,
    judge,
  }: { readonly ifThere?: boolean; readonly judge?: (document: unknown) => readonly Judged[] } = {},
): Promise<readonly ReadConfig[]> {
  const read: ReadConfig[] = [];
  for (const path of paths) {
    const files = await readGiven(path);
    if (files === undefined && !ifThere) {
      throw new CliError("CLI_FILE_UNREADABLE", `there is no file ${path}`, { details: { path } });
    }
    for (const file of files ?? []) {
      if ("unreadable" in file) read.push(unreadableFile(file));
      else {
        const { path: place, bytes } = file;
        read.push({ ...parseCloudConfig(bytes, judge), path: place, text: bytes.toString("utf8") });
      }
    }
  }
  return read;
}

/** Of a folder: the files beside it are read, and it counts as one with a mistake. */
function unreadableFile({ path, unreadable: sentence, failure }: Exclude<GivenFile, { bytes: Buffer }>): ReadConfig {
  const findings = [{ severity: "error", path: "", line: 1, column: 1, sentence }] as const;
  return { path, text: "", config: undefined, findings, ...(failure === undefined ? {} : { failure }) };
}

/** Those that may be readable another time. */
export function unread(read: readonly ReadConfig[]): readonly string[] {
  return read.flatMap(({ path, failure }) => (failure === undefined ? [] : [path]));
}

/** The valid ones, as they are applied. */
export function usable(read: readonly ReadConfig[]): readonly GivenConfig[] {
  return read.flatMap(({ path, text, config }) => (config === undefined ? [] : [{ path, text, config }]));
}

/** @returns an error that names the first file that may be readable another time, or else the first mistake; undefined where all are valid */
export function unusable(read: readonly ReadConfig[]): CloudConfigError | FilesError | undefined {
  return read.find(({ failure }) => failure !== undefined)?.failure ?? invalidConfig(read);
}

function invalidConfig(read: readonly ReadConfig[]): CloudConfigError | undefined {
  const wrong = read.filter(({ config }) => config === undefined);
  const [first] = wrong;
  if (first === undefined) return undefined;
  const errors = wrong.flatMap(({ findings }) => findings).filter(({ severity }) => severity === "error");
  const [mistake] = first.findings.filter(({ severity }) => severity === "error");
  const where = mistake === undefined ? first.path : describeFinding(first.path, mistake);
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new CloudConfigError("CLOUD_CONFIG_INVALID", `${where}${more}`, {
    details: {
      file: first.path,
      errors: errors.length,
      ...(mistake === undefined ? {} : { line: mistake.line, column: mistake.column }),
    },
  });
}

/** @param problems  what could not be applied; an error names the first. @returns undefined for none */
export function unapplied(problems: readonly string[]): CloudConfigError | undefined {
  const [problem] = problems;
  if (problem === undefined) return undefined;
  return new CloudConfigError("CLOUD_CONFIG_UNAPPLIED", problem, { details: { problems: problems.length } });
}

/**
 * Applies what a registration has answered.
 * @param root  the machine's /
 * @throws CloudConfigError, FilesError
 */
export async function applyAnswer(
  text: string,
  root: string,
  { signal }: Surroundings,
  remark: (text: string) => void,
): Promise<void> {
  const path = "registration";
  const { config, findings } = parseCloudConfig(Buffer.from(text));
  for (const one of findings) remark(describeFinding(path, one));
  const wrong = invalidConfig([{ path, text, config, findings }]);
  if (wrong !== undefined) throw wrong;
  const machine = { root, lockFile: join(root, RUN_FOLDER, APPLY_LOCK) };
  const given = usable([{ path, text, config, findings }]);
  const applied = await applyCloudConfig(machine, given, { tool: "auto", dryRun: false, signal });
  for (const { subject } of applied.changes) remark(`changed ${subject}`);
  for (const sentence of [...applied.remarks, ...applied.problems]) remark(sentence);
  if (applied.takesEffect === "next-start") remark(`${applied.tool} applies it at the next start.`);
  const failure = unapplied(applied.problems);
  if (failure !== undefined) throw failure;
}
