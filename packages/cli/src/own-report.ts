/** Collects what this machine says of itself to an operator. */
import { readHardware, HardwareError, type Hardware } from "@rancheros/agent/hardware";
import { machineReport, readMachineFacts, type OwnReport } from "@rancheros/agent/registration";
import type { Smbios } from "@rancheros/agent/smbios";
import type { MachineNode } from "@rancheros/protocol/attestation";

import { VERSION } from "./program.ts";

export interface ReportSource {
  /** Undefined for nothing about the hardware at all. */
  readonly smbios: Smbios | undefined;
  readonly withHardware: boolean;
  /** Where the machine's / is. */
  readonly hostRoot: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly remark: (text: string) => void;
}

const HARDWARE_TIMEOUT_MS = 15_000;

/** Begins at once, so that it is ready when the TPM is. @returns gives the report, always the same hardware */
export function startReport(source: ReportSource): (node?: MachineNode) => Promise<OwnReport> {
  const hardware = source.withHardware ? hardwareIfAny(source) : Promise.resolve(undefined);
  const { smbios, labels, annotations, hostRoot } = source;
  return async (node) =>
    machineReport({
      smbios,
      hardware: await hardware,
      labels,
      annotations,
      facts: await readMachineFacts(hostRoot),
      agentVersion: VERSION,
      node,
    });
}

/** @returns undefined where the system does not tell: a machine registers without that as well */
export async function hardwareIfAny({
  signal,
  remark,
}: Pick<ReportSource, "signal" | "remark">): Promise<Hardware | undefined> {
  try {
    return await readHardware({ timeoutMs: HARDWARE_TIMEOUT_MS, signal });
  } catch (error) {
    if (!(error instanceof HardwareError)) throw error;
    if (!signal.aborted) remark(`Warning: ${error.message}: nothing is known about it.`);
    return undefined;
  }
}
