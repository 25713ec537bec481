/** Of a MachineInventory's status: the node that the machine is, and how far its upgrade is. */
import { Type } from "typebox";

const text = (description: string) => Type.Optional(Type.String({ description }));

export const machineNode = Type.Object(
  {
    name: Type.String({ description: "The node's name." }),
    uid: text("The UID of the Node object."),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: "The node's labels; the nodeSelector of a ManagedOSImage sees them and the labels of this object.",
      }),
    ),
    ready: Type.Optional(Type.Boolean({ description: "Whether the node is Ready." })),
    unschedulable: Type.Optional(Type.Boolean({ description: "Whether the node is cordoned." })),
    bootID: text("Names the boot that the node is in."),
    kubeletVersion: text("Version of its kubelet."),
  },
  {
    description:
      "The Kubernetes node that the machine is, as it reported it. Another name, UID or label is written at once, the rest up to a minute later while the machine is being upgraded.",
  },
);

export const machineUpgrade = Type.Object(
  {
    image: text("Name of the ManagedOSImage; absent where somebody upgraded by hand."),
    plan: text("The plan of it that the machine carries out, or carried out last."),
    attempt: Type.Optional(Type.Integer({ description: "The number of the ManagedOSImage's grant." })),
    retry: text(
      "What the annotation rancheros.cattle.io/retry-upgrade said when this attempt began: another text asks for the next one.",
    ),
    phase: Type.Optional(
      Type.String({
        description: "How far it is.",
        enum: [
          "Idle",
          "Granted",
          "Staging",
          "Preparing",
          "Draining",
          "Upgrading",
          "Rebooting",
          "Verifying",
          "Succeeded",
          "RolledBack",
          "Failed",
        ],
      }),
    ),
    since: Type.Optional(Type.String({ description: "Since when it is in this phase.", format: "date-time" })),
    heard: Type.Optional(
      Type.String({ description: "When the machine last said how far it is.", format: "date-time" }),
    ),
    digest: text("sha256:... of the image."),
    reason: text("A code of docs/errors.md where something is wrong."),
    message: text("What it waits for, or what went wrong."),
  },
  { description: "The upgrade of the machine's operating system." },
);
