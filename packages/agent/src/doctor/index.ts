/** What is wrong with this machine: every part that it needs, looked at side by side, with what to do. */
import { findRuntime, ownImages, type RuntimeChoice } from "../containers/index.ts";
import { connectKubernetes, ownNodeName } from "../kubernetes/index.ts";
import { checkRegistration, probeOperator } from "../registration/index.ts";
import { openSlots, peekSlot } from "../slots/index.ts";
import type { DecodedSmbios } from "../smbios/index.ts";
import type { Tpm, TpmState } from "../tpm/index.ts";
import type { AgentState } from "../upgrade/index.ts";
import { examineThrough, type ExamineOptions } from "./examine.ts";
import { readFileSystems } from "./io/file-systems.ts";
import { dial, lookUp } from "./io/network.ts";
import { readRegistered } from "./io/registered.ts";
import { isClockKept, readUnits } from "./io/systemd.ts";
import { readWatchdog } from "./io/watchdog.ts";
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
  readonly readTpmState: (signal: AbortSignal) => Promise<TpmState>;
  readonly openTpm: (signal: AbortSignal) => Promise<Tpm>;
  readonly readSmbios: () => Promise<DecodedSmbios>;
  readonly readAgentState: () => Promise<AgentState>;
}

/**
 * Changes nothing on the machine, in its TPM, and at its operator.
 * @returns after at most 20 s, however much hangs
 * @throws DoctorError DOCTOR_INTERRUPTED
 */
export function examineMachine(machine: DoctorMachine, options: ExamineOptions): Promise<DoctorReport> {
  const { hostRoot, stateFolder, runFolder, kubeconfig, runtime, environment } = machine;
  return examineThrough(
    {
      ...machine,
      nowMs: () => performance.now(),
      wallMs: Date.now,
      probeOperator,
      checkRegistration,
      lookUp,
      dial,
      isClockKept,
      readUnits,
      readWatchdog,
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
    },
    options,
  );
}

export { CHECK_NAMES, CHECKS, isCheckName } from "./check-names.ts";
export type { CheckAbout, CheckName } from "./check-names.ts";
export { DOCTOR_ERRORS, DoctorError } from "./errors.ts";
export type { DoctorErrorCode } from "./errors.ts";
export { EXAMINE_LIMIT_MS } from "./examine.ts";
export type { ExamineOptions } from "./examine.ts";
export { readServiceEnvironment } from "./io/service-environment.ts";
export { REGISTERED_FILES } from "./io/registered.ts";
export type { OperatorTarget } from "./operator-target.ts";
export type { DoctorReport, Finding, Outcome } from "./verdict.ts";
