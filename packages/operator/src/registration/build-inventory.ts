/** The MachineInventory that a machine becomes when it registers. */
import {
  GROUP_VERSION,
  machineInventory,
  REGISTRATION_LABEL,
  type MachineRegistrationSpec,
} from "@rancheros/protocol/resources";
import { labelValue } from "./label-value.ts";
import { machineName, machineNamePrefix } from "./machine-name.ts";
import { fillTemplate } from "./template.ts";

const LABEL_VALUE_LIMIT = 63;

/** Who registered, as far as it has been proved or said. */
export interface RegisteringMachine {
  /** SHA-256 of the endorsement public key, hex; proved by the challenge. */
  readonly ekHash: string;
  /** SMBIOS as the machine sent it; proved by nothing. */
  readonly smbios: Readonly<Record<string, unknown>> | undefined;
}

function fillAll(
  templates: Readonly<Record<string, string>> | null | undefined,
  smbios: unknown,
  finish: (text: string) => string,
): Record<string, string> {
  const filled: Record<string, string> = {};
  for (const [key, template] of Object.entries(templates ?? {})) {
    const { text, empty } = fillTemplate(template, smbios);
    // A label that says half of what was meant selects the wrong machines: better none.
    if (empty.length === 0) filled[key] = finish(text);
  }
  return filled;
}

/**
 * @param attempt  which of the machine's names to take; see machineName
 * @returns        a whole object: one write makes the machine
 */
export function buildInventory(
  registration: { readonly name: string; readonly namespace: string; readonly spec: MachineRegistrationSpec },
  machine: RegisteringMachine,
  attempt: number,
) {
  const { spec } = registration;
  const labels = fillAll(spec.machineInventoryLabels, machine.smbios, labelValue);
  if (registration.name.length <= LABEL_VALUE_LIMIT) labels[REGISTRATION_LABEL] = registration.name;
  return {
    apiVersion: GROUP_VERSION,
    kind: machineInventory.kind,
    metadata: {
      name: machineName(machineNamePrefix(spec.machineName, machine.smbios), machine.ekHash, attempt),
      namespace: registration.namespace,
      labels,
      annotations: fillAll(spec.machineInventoryAnnotations, machine.smbios, (text) => text),
    },
    spec: { tpm: machine.ekHash, ...(machine.smbios === undefined ? {} : { smbios: machine.smbios }) },
  };
}
