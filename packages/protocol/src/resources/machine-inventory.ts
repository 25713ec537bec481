/** MachineInventory: one machine, known by its TPM or by a shared secret, and the cluster that it is meant for. */
import { Type, type Static } from "typebox";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { anyMap, conditions, nullable, openObject } from "./schema-parts.ts";

const taint = Type.Object({
  key: Type.String({ description: "The taint's key." }),
  value: Type.Optional(Type.String({ description: "The taint's value." })),
  effect: Type.String({
    description: "NoSchedule, PreferNoSchedule or NoExecute.",
    enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"],
  }),
  timeAdded: Type.Optional(nullable(Type.String(), { description: "Kept for objects that carry it; not used." })),
});

const config = openObject(
  {
    role: Type.Optional(
      Type.String({
        description: "What the machine becomes: server, agent or another role of rancherd. Without it rancherd waits.",
        maxLength: 253,
      }),
    ),
    nodeName: Type.Optional(Type.String({ description: "Name of the Kubernetes node.", maxLength: 253 })),
    address: Type.Optional(Type.String({ description: "The node's public address.", maxLength: 253 })),
    internalAddress: Type.Optional(Type.String({ description: "The node's internal address.", maxLength: 253 })),
    labels: Type.Optional(
      nullable(Type.Record(Type.String(), Type.String()), { description: "Labels of the Kubernetes node." }),
    ),
    taints: Type.Optional(nullable(Type.Array(taint), { description: "Taints of the Kubernetes node." })),
  },
  { description: "Arbitrary rancherd configuration for this machine." },
);

const HASH = "^[0-9a-f]{8,64}([.]{3})?$";
const hash = (description: string) => Type.String({ description, maxLength: 67 });

const spec = Type.Object(
  {
    clusterName: Type.Optional(
      Type.String({
        description:
          "Name of the clusters.provisioning.cattle.io object, in the same namespace, that the machine belongs to.",
        maxLength: 253,
      }),
    ),
    tpm: Type.Optional(
      hash(
        "SHA-256 of the TPM's endorsement public key, 64 lower-case hex digits, as `ros-agent get-tpm-hash` prints it. A hash that is cut short and ends in three dots is taken as a note and matches no machine.",
      ),
    ),
    tpmHash: Type.Optional(hash("Another name of tpm, read for objects of the original operator. Use tpm.")),
    smbios: Type.Optional(
      nullable(anyMap({ description: "SMBIOS." }), {
        description: "SMBIOS of the machine, in the shape of dmidecode: section, then key, then value.",
      }),
    ),
    machineTokenSecretName: Type.Optional(
      Type.String({
        description:
          "Name of a Secret of type rancheros.cattle.io/token whose key `token` is a secret shared with a machine that has no TPM.",
        maxLength: 253,
      }),
    ),
    config: Type.Optional(
      nullable(config, {
        description:
          "Arbitrary rancherd configuration that the machine gets when it bootstraps; role is what it needs.",
      }),
    ),
  },
  {
    description: "Who the machine is and where it belongs.",
    "x-kubernetes-validations": [
      {
        rule: "!has(self.tpm) || self.tpm == '' || self.tpm.matches('" + HASH + "')",
        message: "tpm must be 64 lower-case hex digits, as ros-agent get-tpm-hash prints them",
      },
      {
        rule: "!has(self.tpm) || !has(self.tpmHash) || self.tpm == self.tpmHash",
        message: "tpm and tpmHash are two names of one field and must not differ; use tpm",
      },
    ],
  },
);

const status = Type.Object(
  {
    clusterRegistrationTokenName: Type.Optional(
      Type.String({ description: "Name of the ClusterRegistrationToken that was made for this machine." }),
    ),
    clusterRegistrationTokenNamespace: Type.Optional(
      Type.String({ description: "Namespace of that ClusterRegistrationToken." }),
    ),
    conditions,
  },
  { description: "What is known about the machine." },
);

export const machineInventory = {
  kind: "MachineInventory",
  plural: "machineinventories",
  singular: "machineinventory",
  shortNames: ["minv"],
  description: "A machine that has registered, or that is expected: its TPM, its SMBIOS, its cluster and its role.",
  spec,
  status,
  columns: [
    {
      name: "Cluster",
      type: "string",
      jsonPath: ".spec.clusterName",
      description: "The cluster that it is meant for.",
    },
    { name: "Role", type: "string", jsonPath: ".spec.config.role", description: "The role that it gets there." },
    {
      name: "Registration",
      type: "string",
      jsonPath: ".metadata.labels.rancheros\\.cattle\\.io/machine-registration",
      description: "The MachineRegistration that it came through.",
    },
    { name: "TPM", type: "string", jsonPath: ".spec.tpm", description: "Hash of its endorsement key.", priority: 1 },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type MachineInventorySpec = Static<typeof spec>;
export type MachineInventoryStatus = Static<typeof status>;
export type MachineInventoryConfig = Static<typeof config>;
export type NodeTaint = Static<typeof taint>;
