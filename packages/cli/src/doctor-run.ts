/** `ros-agent doctor` on this machine. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readAgentState } from "@rancheros/agent/by-hand";
import {
  CHECK_NAMES,
  examineMachine,
  isCheckName,
  makeSupportArchive,
  readServiceEnvironment,
  REGISTERED_FILES,
  TPM_CLOSE_LIMIT_MS,
  type CheckName,
  type DoctorMachine,
  type DoctorReport,
  type OperatorTarget,
  type SavedArchive,
} from "@rancheros/agent/doctor";
import { LEARNED_CA_FILE } from "@rancheros/agent/registration";
import { readSmbios } from "@rancheros/agent/smbios";
import { closest } from "@rancheros/agent/spelling";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

import { describeDoctor } from "./describe-doctor.ts";
import { codedError } from "./describe-error.ts";
import { CliError } from "./errors.ts";
import { FailedInPart } from "./failed-in-part.ts";
import { machineOptions, type MachineFlagValues } from "./machine-run.ts";
import { openMachineTpm, readMachineTpmState, type EndorsementKeyChoice } from "./open-machine-tpm.ts";
import { readTextFile } from "./read-text-file.ts";
import { registrationTarget } from "./registration-target.ts";
import type { Surroundings } from "./surroundings.ts";
import { ownVersions } from "./own-versions.ts";

export interface DoctorRun extends MachineFlagValues {
  readonly url: string | undefined;
  readonly config: string | undefined;
  readonly "ca-cert": string | undefined;
  readonly "ca-sha256": string | undefined;
  readonly "allow-http": boolean;
  readonly archive: string | undefined;
  readonly only: readonly string[] | undefined;
  readonly "ek-ca": string | undefined;
  readonly "smbios-dump": string | undefined;
  readonly ek: EndorsementKeyChoice | undefined;
  readonly tcti: string | undefined;
  readonly runtime: "containerd" | "nerdctl" | "podman" | "docker" | undefined;
  readonly "runtime-socket": string | undefined;
}

/** Of the machine, where no other is named: what it was installed with, then what its registration gave. */
const CONFIGS = ["/oem/99_custom.yaml", ...REGISTERED_FILES] as const;

/** For each of the three things that are read before the checks; it comes off their time. */
const READ_LIMIT_MS = 3_000;

export interface Diagnosis {
  readonly report: DoctorReport;
  readonly archive: SavedArchive | undefined;
}

/** The report as --json shows it, with an archive or without. */
export function reportJson({ ok, findings }: DoctorReport): object {
  return { ok, checks: findings };
}

/**
 * @param onReport  told the report for people, before the archive is made, which may fail
 * @throws CliError for what is wrong with the command line; DoctorError DOCTOR_INTERRUPTED; FailedInPart with the report
 *   where the archive fails
 */
export async function runDoctor(
  run: DoctorRun,
  surroundings: Surroundings,
  remark: (text: string) => void,
  onReport: (text: string) => void,
): Promise<Diagnosis> {
  const { signal } = surroundings;
  const beganMs = performance.now();
  const names = checkNames(run.only);
  const ekAuthorities = run["ek-ca"] === undefined ? undefined : await readInTime(run["ek-ca"], signal);
  // What the caller has set for himself wins over what the services have.
  const ofServices = await unlessLate(readServiceEnvironment(run["host-root"]), {});
  const environment = { ...ofServices, ...surroundings.environment };
  if (process.getuid?.() !== 0) remark("Not root: what only root may see is told as missing or failed.");
  const machine = doctorMachine(run, { ...surroundings, environment });
  const late = { kind: "none", because: "its cloud-config did not come in time" } as const;
  const target = await unlessLate(operatorTarget(run, { environment, signal }), late);
  let tpmClosing: Promise<void> | undefined;
  const report = await examineMachine(machine, {
    names,
    target,
    ekAuthorities,
    spentMs: performance.now() - beganMs,
    onTpmBusy(closing) {
      tpmClosing = closing;
    },
    signal,
  });
  const text = describeDoctor(report.findings);
  onReport(text);
  try {
    if (run.archive === undefined) return { report, archive: undefined };
    const versions = await ownVersions();
    const path = run.archive;
    const archive = await makeSupportArchive(machine, { path, report, reportText: text, versions, target, signal });
    return { report, archive };
  } catch (thrown) {
    throw new FailedInPart(codedError(thrown), reportJson(report));
  } finally {
    if (tpmClosing !== undefined) await awaitTpm(tpmClosing, signal, remark);
  }
}

/** Ended before, we would leave a key in it, of which it holds three. */
async function awaitTpm(closing: Promise<void>, signal: AbortSignal, remark: (text: string) => void): Promise<void> {
  remark(
    `The TPM has not ended what it was asked for. What it makes is taken out of it again, which may take ${TPM_CLOSE_LIMIT_MS / 1000} s more; Ctrl-C leaves it there until the next restart.`,
  );
  const isOut = closing.then(
    () => true,
    () => false,
  );
  const late = sleep(TPM_CLOSE_LIMIT_MS, false, { signal }).catch(() => false);
  if (!(await Promise.race([isOut, late]))) remark("A key may have stayed in the TPM, until the machine restarts.");
}

function doctorMachine(run: DoctorRun, surroundings: Surroundings): DoctorMachine {
  const quiet = (): void => undefined;
  const options = machineOptions(run, surroundings, quiet);
  const dump = run["smbios-dump"];
  return {
    ...options,
    secretFiles: run.config === undefined ? [] : [run.config],
    runtime: { kind: run.runtime, socket: run["runtime-socket"] },
    readTpmState: (signal) => readMachineTpmState(run.tcti, { ...surroundings, signal }),
    openTpm: (signal) => openMachineTpm(run.tcti, { ...surroundings, signal }, quiet, run.ek ?? "any"),
    readSmbios: () => readSmbios(dump === undefined ? {} : { folder: dump }),
    readAgentState: () => readAgentState(options),
  };
}

function checkNames(only: readonly string[] = []): readonly CheckName[] {
  if (only.length === 0) return CHECK_NAMES;
  return only.map((name) => {
    if (isCheckName(name)) return name;
    const meant = closest(name, CHECK_NAMES);
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    throw new CliError("CLI_USAGE", `there is no check ${JSON.stringify(name.slice(0, 40))}${hint}`, {
      mend: `The checks are ${CHECK_NAMES.join(", ")}.`,
    });
  });
}

/** Never throws: what is wrong with the address is one of the findings. */
async function operatorTarget(run: DoctorRun, { environment, signal }: Surroundings): Promise<OperatorTarget> {
  const given = { url: run.url, caCert: run["ca-cert"], caSha256: run["ca-sha256"], allowHttp: run["allow-http"] };
  const from = async (config: string | undefined, name: string): Promise<OperatorTarget> => {
    const target = await registrationTarget({ ...given, config, allowBare: true, signal });
    const learnedCaFile = join(run["state-folder"], LEARNED_CA_FILE);
    return { kind: "known", options: { ...target, learnedCaFile, environment }, from: name };
  };
  try {
    if (run.url !== undefined) return await from(run.config, "the command line");
    if (run.config !== undefined) return await from(run.config, run.config);
    for (const path of CONFIGS) {
      const config = join(run["host-root"], path);
      if (!(await isFile(config))) continue;
      try {
        return await from(config, path);
      } catch (error) {
        // What a registration gives need not name the operator again.
        if (!hasCode(error, "REGISTRATION_CLOUD_CONFIG_INVALID")) throw error;
      }
    }
    return { kind: "none", because: "no URL was given, and no cloud-config of this machine names an operator" };
  } catch (error) {
    if (isCodedError(error)) return { kind: "broken", error };
    throw error;
  }
}

/** A pipe that nobody writes to would hold us for ever. */
function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @throws CliError CLI_FILE_UNREADABLE, also where it does not come in time, as from a server that is gone */
async function readInTime(path: string, signal: AbortSignal): Promise<string> {
  const text = await unlessLate(readTextFile(path, signal), undefined);
  if (text !== undefined) return text;
  throw new CliError("CLI_FILE_UNREADABLE", `the file ${path} has not come in time (${READ_LIMIT_MS / 1000} s)`, {
    details: { path },
  });
}

async function unlessLate<T>(work: Promise<T>, otherwise: T): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const late = sleep(READ_LIMIT_MS, otherwise, { signal }).catch(() => otherwise);
  try {
    return await Promise.race([work, late]);
  } finally {
    controller.abort();
  }
}
