/** Cloud-configs: read with a place for every mistake, and applied to a machine. */
import { rootFiles } from "../files/index.ts";
import { takeLock } from "../service/index.ts";
import { applyThrough, type Applied, type ApplyOptions, type GivenConfig } from "./apply/apply-cloud-config.ts";
import { runCommands, type RunSummary } from "./apply/run-commands.ts";
import { CloudConfigError } from "./errors.ts";
import { runAccountProgram } from "./io/account-programs.ts";
import { activate } from "./io/activate.ts";
import { runShellCommand } from "./io/run-command.ts";

export interface MachineOptions {
  /** The machine's /. Where it is another, nothing of the running system is touched. */
  readonly root: string;
  /** Held while applying. */
  readonly lockFile: string;
}

/** As applyThrough, on the machine whose / is the root. @throws also CloudConfigError CLOUD_CONFIG_BUSY */
export async function applyCloudConfig(
  { root, lockFile }: MachineOptions,
  given: readonly GivenConfig[],
  options: ApplyOptions,
): Promise<Applied> {
  const outside = {
    files: rootFiles(root),
    runStep: (step: Parameters<typeof runAccountProgram>[1], signal: AbortSignal) =>
      runAccountProgram(root, step, signal),
    activate: (activation: Parameters<typeof activate>[0]) =>
      root === "/" ? activate(activation) : Promise.resolve(undefined),
  };
  if (options.dryRun) return applyThrough(outside, given, options);
  return locked(lockFile, () => applyThrough(outside, given, options));
}

/** Runs what of runcmd has not run yet, on this machine. @throws CloudConfigError, FilesError */
export function runPendingCommands(
  { root, lockFile }: MachineOptions,
  log: (message: string) => void,
  signal: AbortSignal,
): Promise<RunSummary> {
  return locked(lockFile, () => runCommands({ files: rootFiles(root), run: runShellCommand, log }, signal));
}

async function locked<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  const lock = takeLock(lockFile);
  if (lock === undefined) throw new CloudConfigError("CLOUD_CONFIG_BUSY", "a cloud-config is being applied already");
  try {
    return await work();
  } finally {
    lock.release();
  }
}

export type { Applied, ApplyOptions, GivenConfig } from "./apply/apply-cloud-config.ts";
export { describeChange } from "./apply/change.ts";
export type { Change } from "./apply/change.ts";
export type { Tool } from "./apply/choose-tool.ts";
export type { RunSummary } from "./apply/run-commands.ts";
export type { CloudConfig } from "./cloud-config.ts";
export { CLOUD_CONFIG_ERRORS, CloudConfigError } from "./errors.ts";
export type { CloudConfigErrorCode } from "./errors.ts";
export { readGiven } from "./io/given-files.ts";
export type { GivenFile } from "./io/given-files.ts";
export type { Judged } from "./judged.ts";
export type { Finding } from "./located.ts";
export { namedFiles, parseCloudConfig } from "./parse-cloud-config.ts";
export type { NamedFiles, ParsedCloudConfig } from "./parse-cloud-config.ts";
