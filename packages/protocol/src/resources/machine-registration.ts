/** MachineRegistration: an open door through which machines come in, and what they get on the way. */
import { Type, type Static } from "typebox";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { anyMap, conditions, keyedStrings, nullable } from "./schema-parts.ts";

const spec = Type.Object(
  {
    machineName: Type.Optional(
      Type.String({
        description:
          "Template of the MachineInventory's name, such as node-${System Information/Serial Number}-; five characters made of the TPM hash are put behind it. " +
          "Default: m-${System Information/Manufacturer}-${System Information/Product Name}-${System Information/Serial Number}-",
        maxLength: 1024,
      }),
    ),
    machineInventoryLabels: Type.Optional(
      nullable(keyedStrings("machineInventoryLabels", "Labels of the MachineInventory.", 1024), {
        description:
          "Labels to be added to the created MachineInventory. Values may hold templates over SMBIOS such as ${System Information/Manufacturer}; a label whose template finds nothing is left out.",
      }),
    ),
    machineInventoryAnnotations: Type.Optional(
      nullable(keyedStrings("machineInventoryAnnotations", "Annotations of the MachineInventory.", 16384), {
        description:
          "Annotations to be added to the created MachineInventory. Values may hold templates over SMBIOS, as labels do.",
      }),
    ),
    cloudConfig: Type.Optional(
      nullable(anyMap({ description: "The cloud config." }), {
        description:
          "The cloud config that a machine gets when it registers: users, write_files, rancherd, rancheros.install and so on. rancherd.server, rancherd.token and rancheros.install.automatic are added.",
      }),
    ),
  },
  { description: "What machines that come through this registration get." },
);

const status = Type.Object(
  {
    registrationToken: Type.Optional(Type.String({ description: "The secret part of the registration URL." })),
    registrationURL: Type.Optional(Type.String({ description: "The address that machines register at." })),
    conditions,
  },
  { description: "What the operator made of it." },
);

export const machineRegistration = {
  kind: "MachineRegistration",
  plural: "machineregistrations",
  singular: "machineregistration",
  shortNames: ["mreg"],
  description:
    "An address at which machines with a TPM register themselves, and the cloud config that they get. Each machine becomes a MachineInventory in the same namespace.",
  spec,
  status,
  columns: [
    {
      name: "Ready",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: "True when the registration URL is there.",
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: "Why it is ready or not.",
    },
    {
      name: "URL",
      type: "string",
      jsonPath: ".status.registrationURL",
      description: "The registration URL. Who knows it may register.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type MachineRegistrationSpec = Static<typeof spec>;
export type MachineRegistrationStatus = Static<typeof status>;
