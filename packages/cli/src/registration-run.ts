/** Registers or checks this machine with what the command line names: TPM, SMBIOS, server. */
import {
  checkRegistration,
  register,
  type CheckReport,
  type InstallConfig,
  type ServerOptions,
} from "@rancheros/agent/registration";

import { describeProgress } from "./describe-progress.ts";
import { machineSmbios, machineSmbiosIfAny } from "./machine-smbios.ts";
import { openMachineTpm } from "./open-machine-tpm.ts";
import type { Surroundings } from "./surroundings.ts";

export interface RegistrationRun {
  readonly server: ServerOptions;
  readonly waitMs: number;
  readonly withoutEkCertificate: boolean;
  readonly tcti: string | undefined;
  readonly smbios: "none" | { readonly folder: string | undefined };
  readonly surroundings: Surroundings;
  /** Where progress and warnings go. */
  readonly remark: (text: string) => void;
}

export interface Registered {
  readonly config: InstallConfig;
  readonly tpmHash: string;
}

/** @throws RegistrationError, TpmError, SmbiosError */
export async function registerMachine(run: RegistrationRun): Promise<Registered> {
  const { server, waitMs, withoutEkCertificate, remark } = run;
  const smbios = run.smbios === "none" ? undefined : await machineSmbiosIfAny(run.smbios.folder, remark);
  const tpm = await openMachineTpm(run.tcti, run.surroundings, remark);
  try {
    const config = await register({
      ...server,
      tpm,
      smbios,
      withoutEkCertificate,
      waitMs,
      onEvent: (event) => remark(describeProgress(event)),
    });
    const { hash } = await tpm.readEndorsementKey();
    return { config, tpmHash: hash };
  } finally {
    await tpm.close();
  }
}

export async function checkMachine(run: RegistrationRun): Promise<CheckReport> {
  const { smbios, remark } = run;
  return checkRegistration({
    ...run.server,
    withoutEkCertificate: run.withoutEkCertificate,
    readSmbios: smbios === "none" ? undefined : () => machineSmbios(smbios.folder, remark),
    openTpm: () => openMachineTpm(run.tcti, run.surroundings, remark),
  });
}
