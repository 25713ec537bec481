/** MachineRegistration: an open door through which machines come in, and what they get on the way. */
import { Type, type Static } from "typebox";
import { TEMPLATE_LIMIT } from "../templates/index.ts";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { duration } from "./duration.ts";
import { registrationAttestation } from "./registration-attestation.ts";
import { registrationBoot } from "./registration-boot.ts";
import { anyMap, conditions, keyedStrings, nullable } from "./schema-parts.ts";

/** A label key, or all keys below a prefix: example.com/* */
const acceptedKeys = (description: string) =>
  Type.Array(Type.String({ maxLength: 317, pattern: "^[A-Za-z0-9][-A-Za-z0-9_./]*(/[*])?$" }), {
    description,
    maxItems: 64,
  });

const token = Type.Object(
  {
    secretName: Type.Optional(
      Type.String({
        description:
          "Name of a Secret in this namespace whose key token is the token to use, 16 to 128 letters and digits. Without it the operator makes one.",
        maxLength: 253,
      }),
    ),
    expiresAt: Type.Optional(
      Type.String({
        description: "From then on nobody registers with this token; machines that did stay.",
        format: "date-time",
      }),
    ),
    maxMachines: Type.Optional(
      Type.Integer({
        description: "How many machines may become MachineInventories through this registration.",
        minimum: 0,
        maximum: 1_000_000,
      }),
    ),
    rotation: Type.Optional(
      Type.Integer({
        description:
          "A larger number makes a new token; the old one stays good for the time of overlap. Beyond 9007199254740991 numbers are read rounded: one more may be none.",
        minimum: 0,
      }),
    ),
    overlap: Type.Optional(
      duration("token.overlap", {
        description: "How long the token before the last rotation stays good. Default 24h.",
      }),
    ),
  },
  { description: "The registration's secret: who knows it may ask to be let in." },
);

const rateLimit = Type.Object(
  {
    perMinute: Type.Optional(
      Type.Integer({
        description: "Visits a minute through this registration, at each replica. Default: no limit.",
        minimum: 1,
      }),
    ),
    perSourcePerMinute: Type.Optional(
      Type.Integer({
        description: "Visits a minute from one source address, at each replica. Default: no limit.",
        minimum: 1,
      }),
    ),
  },
  { description: "How often machines may come; who comes more often is asked to come back." },
);

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
      nullable(keyedStrings("machineInventoryAnnotations", "Annotations of the MachineInventory.", TEMPLATE_LIMIT), {
        description:
          "Annotations to be added to the created MachineInventory. Values may hold templates over SMBIOS, as labels do.",
      }),
    ),
    cloudConfig: Type.Optional(
      nullable(anyMap({ description: "The cloud config." }), {
        description:
          "The cloud config that a machine gets when it registers: users, write_files, rancherd, rancheros.install and so on. rancherd.server, rancherd.token and rancheros.install.automatic are added. " +
          "hostname may hold templates over SMBIOS, such as node-${System Information/Serial Number}; where they find nothing it is the MachineInventory's name.",
      }),
    ),
    attestation: Type.Optional(registrationAttestation),
    boot: Type.Optional(registrationBoot),
    token: Type.Optional(token),
    disabled: Type.Optional(Type.Boolean({ description: "Nobody registers; machines that did stay." })),
    rateLimit: Type.Optional(rateLimit),
    acceptedLabels: Type.Optional(
      acceptedKeys(
        "Labels that a machine may choose for its MachineInventory: keys, or example.com/* for all below a prefix. None by default, and none of rancheros.cattle.io.",
      ),
    ),
    acceptedAnnotations: Type.Optional(
      acceptedKeys("Annotations that a machine may choose for its MachineInventory, as with acceptedLabels."),
    ),
    reportInterval: Type.Optional(
      duration("reportInterval", {
        description:
          "How often machines that have joined report what they are. Default 10m; at least 1m, at most 24h: beyond that these are used, and the condition Ready says so.",
      }),
    ),
  },
  { description: "What machines that come through this registration get, and which are let in." },
);

const status = Type.Object(
  {
    registrationToken: Type.Optional(
      Type.String({
        description:
          "The secret part of the registration URL; absent where the operator is told to keep it in the Secret only.",
      }),
    ),
    registrationURL: Type.Optional(
      Type.String({
        description:
          "The address that machines register at; absent where the operator is told to keep it in the Secret only.",
      }),
    ),
    tokenSecretName: Type.Optional(
      Type.String({ description: "Name of the Secret that holds the token and the registration URL." }),
    ),
    tokenHash: Type.Optional(
      Type.String({
        description: "First 16 hex digits of the token's SHA-256, to tell tokens apart without seeing them.",
      }),
    ),
    tokenRotation: Type.Optional(Type.Integer({ description: "The rotation that the present token was made for." })),
    machineCount: Type.Optional(
      Type.Integer({
        description:
          "Machines that came through this registration and have a MachineInventory, counted every ten seconds.",
      }),
    ),
    pendingCount: Type.Optional(Type.Integer({ description: "Of these, those that wait for approval." })),
    refusedCount: Type.Optional(
      Type.Integer({
        description:
          "Visits that were refused since the registration was made, added up every ten seconds; a replica that is killed takes with it what it has not added yet.",
      }),
    ),
    lastRefusal: Type.Optional(
      Type.Object(
        {
          reason: Type.String({ description: "Code of docs/errors.md." }),
          time: Type.String({ description: "When it was.", format: "date-time" }),
        },
        { description: "The last visit that was refused." },
      ),
    ),
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
  isSpecOptional: true,
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
    {
      name: "Machines",
      type: "integer",
      jsonPath: ".status.machineCount",
      description: "MachineInventories that came through it.",
    },
    {
      name: "Pending",
      type: "integer",
      jsonPath: ".status.pendingCount",
      description: "Those that wait for approval.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type MachineRegistrationSpec = Static<typeof spec>;
export type MachineRegistrationStatus = Static<typeof status>;
