/** Registers, checks or reports this machine with what the command line names: TPM, SMBIOS, server. */
import {
  checkRegistration,
  checkWay,
  register,
  registerAttested,
  reportMachine,
  sessionKeeper,
  tryAgain,
  type CheckReport,
  type InstallConfig,
  type RegistrationEvent,
  type ReportOptions,
  type SessionKeeper,
  type ServerOptions,
} from "@rancheros/agent/registration";
import type { Smbios } from "@rancheros/agent/smbios";
import type { CodedError } from "@rancheros/protocol/errors";

import { describeProgress } from "./describe-progress.ts";
import { machineSmbios, machineSmbiosIfAny } from "./machine-smbios.ts";
import { openMachineTpm, type EndorsementKeyChoice } from "./open-machine-tpm.ts";
import { startReport } from "./own-report.ts";
import type { Surroundings } from "./surroundings.ts";

export interface MachineRun {
  readonly server: ServerOptions;
  readonly withoutEkCertificate: boolean;
  readonly tcti: string | undefined;
  readonly endorsementKey: EndorsementKeyChoice;
  readonly smbios: "none" | { readonly folder: string | undefined };
  /** Where the machine's / is; undefined: there. */
  readonly hostRoot?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly surroundings: Surroundings;
  /** Where progress and warnings go. */
  readonly remark: (text: string) => void;
}

export interface RegistrationRun extends MachineRun {
  readonly protocol: "attestation" | "legacy";
  readonly waitMs: number;
}

export interface Registered {
  readonly config: InstallConfig;
  readonly tpmHash: string;
}

/**
 * With waitMs Infinity whatever fails is tried again, the TPM too: early at a start its device may not be there yet.
 * @throws RegistrationError, TpmError, SmbiosError, AttestationMessageError
 */
export async function registerMachine(run: RegistrationRun): Promise<Registered> {
  if (run.waitMs !== Number.POSITIVE_INFINITY) return registerOnce(run);
  const onEvent = progressOf(run);
  const policy = {
    waitMs: run.waitMs,
    signal: run.server.signal,
    onRetry: (error: CodedError, delayMs: number): void => onEvent({ kind: "retry", error, delayMs }),
  };
  return tryAgain(policy, () => registerOnce(run));
}

async function registerOnce(run: RegistrationRun): Promise<Registered> {
  const { server, waitMs, withoutEkCertificate, protocol } = run;
  await checkWay(server);
  const smbios = await smbiosOf(run);
  const ended = new AbortController();
  const report = protocol === "legacy" ? undefined : reportOf(run, smbios, ended.signal);
  const tpm = await openTpmOf(run);
  const onEvent = progressOf(run);
  const common = { ...server, tpm, withoutEkCertificate, waitMs, onEvent };
  try {
    const config = await (report === undefined
      ? register({ ...common, smbios })
      : registerAttested({ ...common, report }));
    const { hash } = await tpm.readEndorsementKey();
    return { config, tpmHash: hash };
  } finally {
    ended.abort();
    await tpm.close();
  }
}

export async function checkMachine(run: RegistrationRun): Promise<CheckReport> {
  const { smbios, remark, protocol } = run;
  return checkRegistration({
    ...run.server,
    protocol,
    withoutEkCertificate: run.withoutEkCertificate,
    isSmbiosGiven: smbios !== "none" && smbios.folder !== undefined,
    readSmbios: smbios === "none" ? undefined : () => machineSmbios(smbios.folder, remark),
    openTpm: () => openTpmOf(run),
  });
}

/** @throws RegistrationError, TpmError, SmbiosError, AttestationMessageError */
export async function tellOfMachine(
  run: MachineRun,
  options: Pick<ReportOptions, "goesOn" | "onReported">,
): Promise<void> {
  const { signal } = run.server;
  const onEvent = progressOf(run);
  await withOperator(
    run,
    ({ keeper, readReport }) =>
      reportMachine(keeper, { ...options, signal, readReport: () => readReport(undefined), onEvent }),
    onEvent,
  );
}

/**
 * With a session that is kept, for as long as the work takes.
 * @param onEvent  of conversations with the server
 * @throws RegistrationError, TpmError, SmbiosError, and what the work throws
 */
export async function withOperator<T>(
  run: MachineRun,
  work: (link: { readonly keeper: SessionKeeper; readonly readReport: ReturnType<typeof startReport> }) => Promise<T>,
  onEvent: (event: RegistrationEvent) => void = () => undefined,
): Promise<T> {
  const { server, withoutEkCertificate } = run;
  await checkWay(server);
  const smbios = await smbiosOf(run);
  const ended = new AbortController();
  const readReport = reportOf(run, smbios, ended.signal);
  const tpm = await openTpmOf(run);
  try {
    return await work({ keeper: sessionKeeper({ ...server, tpm, withoutEkCertificate, onEvent }), readReport });
  } finally {
    ended.abort();
    await tpm.close();
  }
}

async function smbiosOf({ smbios, remark }: MachineRun): Promise<Smbios | undefined> {
  return smbios === "none" ? undefined : machineSmbiosIfAny(smbios.folder, remark);
}

function reportOf(run: MachineRun, smbios: Smbios | undefined, ended: AbortSignal): ReturnType<typeof startReport> {
  const { labels, annotations, remark, surroundings } = run;
  const signal = AbortSignal.any([surroundings.signal, ended]);
  const { hostRoot = "/", smbios: wanted } = run;
  return startReport({ smbios, withHardware: wanted !== "none", hostRoot, labels, annotations, signal, remark });
}

function openTpmOf({ tcti, surroundings, remark, endorsementKey }: MachineRun): ReturnType<typeof openMachineTpm> {
  return openMachineTpm(tcti, surroundings, remark, endorsementKey);
}

function progressOf({ remark }: MachineRun): (event: RegistrationEvent) => void {
  return (event) => remark(describeProgress(event));
}
