/** Collects what this machine says of itself to an operator. */
import { readHardware, HardwareError, type Hardware } from "@rancheros/agent/hardware";
import { machineReport, readMachineFacts, type OwnReport } from "@rancheros/agent/registration";
import type { Smbios } from "@rancheros/agent/smbios";
import type { MachineNode } from "@rancheros/protocol/attestation";

import { askUntilKnown, type AskOutside } from "./ask-until-known.ts";
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

/** The world around reports. */
export interface ReportOutside extends AskOutside {
  readonly readHardware: typeof readHardware;
}

const OUTSIDE: ReportOutside = { nowMs: () => performance.now(), random: Math.random, readHardware };

/**
 * Begins at once, so that it is ready when the TPM is.
 * @returns gives the report: always the same hardware once that is known; where it was not told, a later report asks again
 */
export function startReport(
  source: ReportSource,
  outside: ReportOutside = OUTSIDE,
): (node?: MachineNode) => Promise<OwnReport> {
  const hardware = source.withHardware
    ? askUntilKnown(() => hardwareIfAny(source, outside.readHardware), outside)
    : () => Promise.resolve(undefined);
  const { smbios, labels, annotations, hostRoot } = source;
  return async (node) =>
    machineReport({
      smbios,
      hardware: await hardware(),
      labels,
      annotations,
      facts: await readMachineFacts(hostRoot),
      agentVersion: VERSION,
      node,
    });
}

/** @returns undefined where the system does not tell: a machine registers without that as well */
export async function hardwareIfAny(
  { signal, remark }: Pick<ReportSource, "signal" | "remark">,
  read: typeof readHardware = readHardware,
): Promise<Hardware | undefined> {
  try {
    return await read({ timeoutMs: HARDWARE_TIMEOUT_MS, signal });
  } catch (error) {
    if (!(error instanceof HardwareError)) throw error;
    if (!signal.aborted) remark(`Warning: ${error.message}: nothing is known about it.`);
    return undefined;
  }
}
