/** What is wrong with this machine: every part that it needs, looked at side by side, with what to do. */
import { findRuntime, ownImages, type RuntimeChoice } from "../containers/index.ts";
import { readPolicies } from "../images/index.ts";
import { connectKubernetes, ownNodeName } from "../kubernetes/index.ts";
import { checkRegistration, probeOperator } from "../registration/index.ts";
import { openSlots, peekSlot } from "../slots/index.ts";
import type { DecodedSmbios } from "../smbios/index.ts";
import type { Tpm, TpmState } from "../tpm/index.ts";
import type { AgentState } from "../upgrade/index.ts";
import { examineThrough, type ExamineOptions } from "./examine.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { readFileSystems } from "./io/file-systems.ts";
import { readJournals } from "./io/journals.ts";
import { dial, lookUp } from "./io/network.ts";
import { readRegistered } from "./io/registered.ts";
import { saveArchive } from "./io/save-archive.ts";
import { readSecretFiles } from "./io/secret-files.ts";
import { readSystemTexts } from "./io/system-texts.ts";
import { isClockKept, isSystemdBooted, readUnits } from "./io/systemd.ts";
import { readWatchdog } from "./io/watchdog.ts";
import { supportArchiveThrough, type ArchiveOptions, type SavedArchive } from "./support-archive.ts";
import type { DoctorReport } from "./verdict.ts";

export interface DoctorMachine {
  /** Where the machine's / is. */
  readonly hostRoot: string;
  /** /var/lib/rancheros */
  readonly stateFolder: string;
  /** /run/rancheros */
  readonly runFolder: string;
  readonly kubeconfig: string | undefined;
  readonly runtime: RuntimeChoice;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Further files with secrets that the command line names: looked for in a support archive. */
  readonly secretFiles: readonly string[];
  readonly readTpmState: (signal: AbortSignal) => Promise<TpmState>;
  readonly openTpm: (signal: AbortSignal) => Promise<Tpm>;
  readonly readSmbios: () => Promise<DecodedSmbios>;
  readonly readAgentState: () => Promise<AgentState>;
}

/**
 * Changes nothing on the machine, in its TPM, and at its operator.
 * @returns after at most CHECKS_LIMIT_MS less what was spent before, however much hangs
 * @throws DoctorError DOCTOR_INTERRUPTED
 */
export function examineMachine(machine: DoctorMachine, options: ExamineOptions): Promise<DoctorReport> {
  return examineThrough(outsideOf(machine), options);
}

/**
 * Puts what support needs to know of this machine into a file for its owner only, with every secret removed.
 * @throws DoctorError DOCTOR_ARCHIVE_UNSAVED, DOCTOR_ARCHIVE_LEAKS, DOCTOR_INTERRUPTED
 */
export function makeSupportArchive(machine: DoctorMachine, options: ArchiveOptions): Promise<SavedArchive> {
  const { hostRoot, stateFolder, environment, kubeconfig, secretFiles } = machine;
  const listed = (environment["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  const more = [...(kubeconfig === undefined ? [] : [kubeconfig]), ...listed, ...secretFiles];
  return supportArchiveThrough(
    {
      ...outsideOf(machine),
      readSystemTexts: () => readSystemTexts(hostRoot),
      readJournals: (units, signal) => readJournals(hostRoot, units, signal),
      readSecretFiles: () => readSecretFiles(hostRoot, stateFolder, more),
      saveArchive,
      environment,
      timeout: (ms) => AbortSignal.timeout(ms),
    },
    options,
  );
}

function outsideOf(machine: DoctorMachine): DoctorOutside {
  const { hostRoot, stateFolder, runFolder, kubeconfig, runtime, environment } = machine;
  return {
    ...machine,
    nowMs: () => performance.now(),
    wallMs: Date.now,
    probeOperator,
    checkRegistration,
    lookUp,
    dial,
    isClockKept,
    isSystemdBooted,
    readUnits,
    readWatchdog,
    readPolicies: () => readPolicies(hostRoot),
    readRegistered: () => readRegistered(hostRoot),
    readFileSystems: () => readFileSystems(hostRoot, stateFolder),
    slots: openSlots({ hostRoot, stateFolder, runFolder }),
    readOtherStamp: (slot, signal) => peekSlot({ hostRoot }, slot, signal),
    findRuntime: () => findRuntime({ hostRoot, choice: runtime }),
    async askRuntime(found, signal) {
      await ownImages(found, { runFolder: `${runFolder}/containers` }, signal);
    },
    connectKubernetes: () => connectKubernetes({ path: kubeconfig, environment, hostRoot }),
    ownNodeName: (client, signal) => ownNodeName(client, { hostRoot, signal }),
  };
}

export { CHECK_NAMES, CHECKS, isCheckName } from "./check-names.ts";
export type { CheckAbout, CheckName } from "./check-names.ts";
export { DOCTOR_ERRORS, DoctorError } from "./errors.ts";
export type { DoctorErrorCode } from "./errors.ts";
export { CHECKS_LIMIT_MS, TPM_CLOSE_LIMIT_MS } from "./examine.ts";
export { ARCHIVE_LIMIT_MS } from "./support-archive.ts";
export type { ExamineOptions } from "./examine.ts";
export { readServiceEnvironment } from "./io/service-environment.ts";
export { REGISTERED_FILES } from "./io/registered.ts";
export type { OperatorTarget } from "./operator-target.ts";
export type { ArchiveOptions, SavedArchive } from "./support-archive.ts";
export type { DoctorReport, Finding, Outcome } from "./verdict.ts";
