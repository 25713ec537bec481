/** Registers, checks or reports this machine with what the command line names: TPM, SMBIOS, server. */
import {
  checkRegistration,
  checkWay,
  register,
  registerAttested,
  reportMachine,
  sessionKeeper,
  type CheckReport,
  type InstallConfig,
  type RegistrationEvent,
  type ReportOptions,
  type ServerOptions,
} from "@rancheros/agent/registration";
import type { Smbios } from "@rancheros/agent/smbios";

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

/** @throws RegistrationError, TpmError, SmbiosError, AttestationMessageError */
export async function registerMachine(run: RegistrationRun): Promise<Registered> {
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
    readSmbios: smbios === "none" ? undefined : () => machineSmbios(smbios.folder, remark),
    openTpm: () => openTpmOf(run),
  });
}

/** @throws RegistrationError, TpmError, SmbiosError, AttestationMessageError */
export async function tellOfMachine(
  run: MachineRun,
  options: Pick<ReportOptions, "goesOn" | "onReported">,
): Promise<void> {
  const { server, withoutEkCertificate } = run;
  await checkWay(server);
  const smbios = await smbiosOf(run);
  const ended = new AbortController();
  const readReport = reportOf(run, smbios, ended.signal);
  const tpm = await openTpmOf(run);
  const onEvent = progressOf(run);
  const { signal } = server;
  try {
    const keeper = sessionKeeper({ ...server, tpm, withoutEkCertificate, onEvent });
    await reportMachine(keeper, { ...options, signal, readReport, onEvent });
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
  return startReport({ smbios, withHardware: run.smbios !== "none", labels, annotations, signal, remark });
}

function openTpmOf({ tcti, surroundings, remark, endorsementKey }: MachineRun): ReturnType<typeof openMachineTpm> {
  return openMachineTpm(tcti, surroundings, remark, endorsementKey);
}

function progressOf({ remark }: MachineRun): (event: RegistrationEvent) => void {
  return (event) => remark(describeProgress(event));
}
