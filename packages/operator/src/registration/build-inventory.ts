/** The MachineInventory that a machine becomes when it registers. */
import {
  GROUP_VERSION,
  machineInventory,
  REGISTRATION_LABEL,
  type MachineRegistrationSpec,
} from "@rancheros/protocol/resources";
import { describeTemplates, valuesOf, type DescribedMachine } from "@rancheros/protocol/templates";

const LABEL_VALUE_LIMIT = 63;

/** Who registered, as far as it has been proved or said. */
export type RegisteringMachine = DescribedMachine;

/**
 * @param attempt  which of the machine's names to take; see machineName
 * @returns        a whole object: one write makes the machine
 */
export function buildInventory(
  registration: { readonly name: string; readonly namespace: string; readonly spec: MachineRegistrationSpec },
  machine: RegisteringMachine,
  attempt: number,
) {
  const { name, labels, annotations } = describeTemplates(registration.spec, machine, attempt);
  const isLabel = registration.name.length <= LABEL_VALUE_LIMIT;
  return {
    apiVersion: GROUP_VERSION,
    kind: machineInventory.kind,
    metadata: {
      name: name.value,
      namespace: registration.namespace,
      labels: { ...valuesOf(labels), ...(isLabel ? { [REGISTRATION_LABEL]: registration.name } : {}) },
      annotations: valuesOf(annotations),
    },
    spec: { tpm: machine.ekHash, ...(machine.smbios === undefined ? {} : { smbios: machine.smbios }) },
  };
}
