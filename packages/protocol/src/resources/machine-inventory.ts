/** MachineInventory: one machine, known by its TPM or by a shared secret, and the cluster that it is meant for. */
import { Type, type Static } from "typebox";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { machineNode, machineUpgrade } from "./machine-upgrade.ts";
import { anyMap, conditions, labelTexts, nullable, openObject } from "./schema-parts.ts";

export const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

export const nodeTaint = Type.Object({
  key: Type.String({ description: "The taint's key." }),
  value: Type.Optional(Type.String({ description: "The taint's value." })),
  effect: Type.String({
    description: "NoSchedule, PreferNoSchedule or NoExecute.",
    enum: [...TAINT_EFFECTS],
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
      nullable(labelTexts(), { description: "Labels of the Kubernetes node. Null is an empty value." }),
    ),
    taints: Type.Optional(nullable(Type.Array(nodeTaint), { description: "Taints of the Kubernetes node." })),
  },
  { description: "Arbitrary rancherd configuration for this machine." },
);

/** Whole, or cut short as the document shows it: one with a digit less would match no machine, and nobody would see why. */
const HASH = "^([0-9a-f]{64}|[0-9a-f]{8,64}[.]{3})$";
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
        // It comes as a whole and is written as a whole: with an owner for each of its keys an object is twice as large.
        "x-kubernetes-map-type": "atomic",
      }),
    ),
    approval: Type.Optional(
      Type.String({
        description:
          "Pending: the machine waits. Approved, or absent: it gets its configuration. Denied: it gets nothing, and what it had ends at once.",
        enum: ["Pending", "Approved", "Denied"],
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
        message:
          "tpm must be 64 lower-case hex digits, as ros-agent get-tpm-hash prints them; one that is cut short ends in three dots",
      },
      {
        rule: "!has(self.tpm) || !has(self.tpmHash) || self.tpm == self.tpmHash",
        message: "tpm and tpmHash are two names of one field and must not differ; use tpm",
      },
    ],
  },
);

const attestation = Type.Object(
  {
    class: Type.Optional(
      Type.String({
        description: "Who vouches for the endorsement key: hardware, virtual, or none.",
        enum: ["hardware", "virtual", "none"],
      }),
    ),
    protocol: Type.Optional(
      Type.Integer({ description: "1 for the protocol of rancherd, 2 for the attestation protocol." }),
    ),
    time: Type.Optional(
      Type.String({
        description:
          "When the machine last proved itself; where that said nothing new, it is written along with something else, or when lastSeen is ten minutes old.",
        format: "date-time",
      }),
    ),
    challenge: Type.Optional(
      Type.String({ description: "The last challenge that was used up: issued when, and which. None is taken twice." }),
    ),
    root: Type.Optional(Type.String({ description: "Subject of the root that vouches for the endorsement key." })),
    certificateSha256: Type.Optional(
      Type.String({ description: "SHA-256 of the endorsement key certificate, where there is one." }),
    ),
  },
  { description: "What the machine proved when it was last here." },
);

const status = Type.Object(
  {
    clusterRegistrationTokenName: Type.Optional(
      Type.String({ description: "Name of the ClusterRegistrationToken that was made for this machine." }),
    ),
    clusterRegistrationTokenNamespace: Type.Optional(
      Type.String({ description: "Namespace of that ClusterRegistrationToken." }),
    ),
    attestation: Type.Optional(attestation),
    lastSeen: Type.Optional(
      Type.String({
        description:
          "When the machine last proved itself or reported; written at most once in ten minutes where nothing else changed.",
        format: "date-time",
      }),
    ),
    addresses: Type.Optional(
      Type.Array(
        Type.Object({
          type: Type.String({ description: "Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS." }),
          address: Type.String({ description: "The address." }),
        }),
        { description: "Addresses that the machine reported.", maxItems: 64 },
      ),
    ),
    os: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(Type.String({ description: "Name of the operating system." })),
          version: Type.Optional(Type.String({ description: "Its version." })),
          image: Type.Optional(Type.String({ description: "The image that runs, where the machine knows it." })),
        },
        {
          description:
            "The operating system that the machine reported; written up to a minute later while the machine is being upgraded.",
        },
      ),
    ),
    agentVersion: Type.Optional(
      Type.String({
        description: "Version of the ros-agent that reported; as late as os while the machine is being upgraded.",
      }),
    ),
    node: Type.Optional(machineNode),
    upgrade: Type.Optional(machineUpgrade),
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
    { name: "Approval", type: "string", jsonPath: ".spec.approval", description: "Whether it was let in." },
    { name: "Phase", type: "string", jsonPath: ".status.upgrade.phase", description: "How far its upgrade is." },
    {
      name: "Node",
      type: "string",
      jsonPath: ".status.node.name",
      description: "Name of its Kubernetes node.",
      priority: 1,
    },
    {
      name: "OS",
      type: "string",
      jsonPath: ".status.os.version",
      description: "Version of the operating system that it reported.",
      priority: 1,
    },
    {
      name: "Message",
      type: "string",
      jsonPath: ".status.upgrade.message",
      description: "What its upgrade waits for, or why it went wrong.",
      priority: 1,
    },
    {
      name: "Trust",
      type: "string",
      jsonPath: ".metadata.labels.rancheros\\.cattle\\.io/trust",
      description: "Who vouches for its endorsement key: hardware, virtual or none.",
      priority: 1,
    },
    {
      name: "Last-Seen",
      type: "date",
      jsonPath: ".status.lastSeen",
      description: "When it last proved itself or reported.",
      priority: 1,
    },
    { name: "TPM", type: "string", jsonPath: ".spec.tpm", description: "Hash of its endorsement key.", priority: 1 },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type MachineInventorySpec = Static<typeof spec>;
export type MachineInventoryStatus = Static<typeof status>;
export type MachineInventoryConfig = Static<typeof config>;
export type NodeTaint = Static<typeof nodeTaint>;
