/** ManagedOSImage: the OS version that nodes are to run, and how they get there. */
import { Type, type Static } from "typebox";
import { container } from "./container.ts";
import { drain } from "./drain.ts";
import { imageStatus } from "./managed-os-image-status.ts";
import { rolloutFields } from "./rollout-fields.ts";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { anyMap, labelSelector, nullable, openObject } from "./schema-parts.ts";

const target = openObject(
  {
    name: Type.Optional(Type.String({ description: "Name of this target, for people." })),
    clusterName: Type.Optional(Type.String({ description: "Name of one Fleet cluster." })),
    clusterSelector: Type.Optional(nullable(labelSelector, { description: "Labels of Fleet clusters." })),
    clusterGroup: Type.Optional(Type.String({ description: "Name of a Fleet cluster group." })),
    clusterGroupSelector: Type.Optional(nullable(labelSelector, { description: "Labels of Fleet cluster groups." })),
  },
  { description: "One Fleet target." },
);

const spec = Type.Object(
  {
    osImage: Type.Optional(
      Type.String({ description: "The OS image that nodes are to run, such as rancher/os2:v0.1.0.", maxLength: 4096 }),
    ),
    managedOSVersionName: Type.Optional(
      Type.String({ description: "Name of a ManagedOSVersion to take the image from; osImage wins.", maxLength: 253 }),
    ),
    cloudConfig: Type.Optional(
      nullable(anyMap({ description: "The cloud config." }), {
        description: "Cloud config that comes with the image.",
      }),
    ),
    nodeSelector: Type.Optional(
      nullable(labelSelector, { description: "Which nodes are upgraded. Null or absent: all nodes." }),
    ),
    concurrency: Type.Optional(
      nullable(
        Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: "^(100|[1-9]?[0-9])%$" })], {
          description: "How many nodes at a time.",
          "x-kubernetes-validations": [
            {
              rule: "type(self) == string ? self.matches('^(100|[1-9]?[0-9])%$') : int(self) >= 0",
              message: "concurrency must be a number of nodes, not negative, or a percentage such as 10%",
            },
          ],
        }),
        { description: "How many nodes of a cluster are upgraded at a time, or a percentage. Default 1; 0 pauses." },
      ),
    ),
    cordon: Type.Optional(
      nullable(Type.Boolean(), { description: "Keep new pods off the node while it is upgraded. Default true." }),
    ),
    prepare: Type.Optional(
      nullable(container("prepare", "A container."), {
        description: "A container that runs on the node before it is drained and upgraded.",
      }),
    ),
    drain: Type.Optional(nullable(drain, { description: "How the node is drained. Null or absent: it is not." })),
    targets: Type.Optional(
      nullable(Type.Array(target), {
        description: "Which clusters, in the syntax of Fleet targets. Not in the namespace fleet-local.",
      }),
    ),
    clusterTargets: Type.Optional(
      nullable(Type.Array(target), {
        description: "Another name of targets, read for objects of the original operator. Use targets.",
      }),
    ),
    clusterRolloutStrategy: Type.Optional(
      nullable(anyMap({ description: "Fleet's rollout strategy." }), {
        description: "Fleet's rollout strategy, kept for objects of the original operator.",
      }),
    ),
    upgradeContainer: Type.Optional(
      nullable(container("upgradeContainer", "A container."), {
        description: "Replaces the container that carries out the upgrade.",
      }),
    ),
    ...rolloutFields,
  },
  {
    description: "Which image, which nodes, and how.",
    "x-kubernetes-validations": [
      {
        rule: "has(self.osImage) || has(self.managedOSVersionName)",
        message: "osImage is missing: name the image that nodes are to run, or a ManagedOSVersion",
      },
      {
        rule: "!has(self.targets) || !has(self.clusterTargets)",
        message: "targets and clusterTargets are two names of one field; use targets",
      },
    ],
  },
);

export const managedOSImage = {
  kind: "ManagedOSImage",
  plural: "managedosimages",
  singular: "managedosimage",
  shortNames: ["mosi"],
  description:
    "The OS image that nodes are to run. In the namespace fleet-local it is for the nodes of this cluster, elsewhere for the clusters of that namespace.",
  spec,
  status: imageStatus,
  columns: [
    { name: "Image", type: "string", jsonPath: ".spec.osImage", description: "The image that nodes are to run." },
    { name: "State", type: "string", jsonPath: ".status.state", description: "How the rollout stands, in one word." },
    { name: "Total", type: "integer", jsonPath: ".status.total", description: "Machines that it is for." },
    { name: "Updated", type: "integer", jsonPath: ".status.updated", description: "Machines that run the image." },
    { name: "Updating", type: "integer", jsonPath: ".status.updating", description: "Machines that hold a slot." },
    { name: "Failed", type: "integer", jsonPath: ".status.failed", description: "Machines on which it went wrong." },
    { name: "Pending", type: "integer", jsonPath: ".status.pending", description: "Machines that are still to come." },
    {
      name: "Concurrency",
      type: "string",
      jsonPath: ".spec.concurrency",
      description: "Nodes at a time.",
      priority: 1,
    },
    {
      name: "Version",
      type: "string",
      jsonPath: ".spec.managedOSVersionName",
      description: "The ManagedOSVersion that the image is taken from.",
      priority: 1,
    },
    {
      name: "Digest",
      type: "string",
      jsonPath: ".status.digest",
      description: "What the tag stands for; empty while the registry is being asked.",
      priority: 1,
    },
    {
      name: "Message",
      type: "string",
      jsonPath: ".status.message",
      description: "Why it stands as it does.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type ManagedOSImageSpec = Static<typeof spec>;
export type ManagedOSImageStatus = Static<typeof imageStatus>;
