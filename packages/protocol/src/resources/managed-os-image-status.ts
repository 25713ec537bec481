/** Status of a ManagedOSImage: what the tag stands for, which machines hold a slot, how far it is. */
import { Type } from "typebox";
import { managedOSVersion } from "./managed-os-version.ts";
import { conditions } from "./schema-parts.ts";

const count = (description: string) => Type.Optional(Type.Integer({ description }));
const time = (description: string) => Type.Optional(Type.String({ description, format: "date-time" }));

const slot = Type.Object(
  {
    machine: Type.String({ description: "Name of the MachineInventory." }),
    uid: Type.String({ description: "The UID of that object." }),
    cluster: Type.String({ description: "The cluster whose concurrency it counts against." }),
    attempt: Type.Integer({
      description: "The number of the grant: later ones of the ManagedOSImage have higher numbers.",
    }),
    plan: Type.String({ description: "The plan that it was granted for." }),
    grantedAt: Type.String({ description: "When the slot was granted.", format: "date-time" }),
    overdueAt: time(
      "When the machine's time was found to be over by an operator that could not hear it before: it is waited for a little longer.",
    ),
    isServer: Type.Optional(Type.Boolean({ description: "Whether it is a server of its cluster." })),
    isRetry: Type.Optional(
      Type.Boolean({ description: "Whether the plan went wrong there before, and somebody asked to try it again." }),
    ),
    retry: Type.Optional(
      Type.String({
        description: "What the annotation rancheros.cattle.io/retry-upgrade of the machine said when it was granted.",
      }),
    ),
  },
  { description: "A machine that is being upgraded." },
);

const failure = Type.Object(
  {
    machine: Type.String({ description: "Name of the MachineInventory." }),
    uid: Type.String({ description: "The UID of that object." }),
    attempt: Type.Integer({ description: "The number of the grant." }),
    time: Type.String({ description: "When it was found out.", format: "date-time" }),
    reason: Type.Optional(Type.String({ description: "One word for programs." })),
    message: Type.Optional(Type.String({ description: "What went wrong." })),
    retry: Type.Optional(
      Type.String({
        description:
          "What the annotation rancheros.cattle.io/retry-upgrade of the machine said when the attempt began; another text lets it try again.",
      }),
    ),
  },
  { description: "A machine on which this plan went wrong." },
);

const containerImage = Type.Object(
  {
    name: Type.String({
      description: "The container, prepare or upgradeContainer.",
      enum: ["prepare", "upgradeContainer"],
    }),
    image: Type.String({ description: "Its image, as the spec has it." }),
    reference: Type.String({ description: "The same as repository@digest: what nodes get." }),
  },
  { description: "What the tag of a container's image stands for." },
);

/** How a rollout may stand. */
export const ROLLOUT_STATES = [
  "Resolving",
  "Refused",
  "Progressing",
  "Soaking",
  "Complete",
  "Paused",
  "Suspended",
  "WindowClosed",
  "Halted",
  "NoMachines",
  "Conflict",
  "Invalid",
] as const;

export const imageStatus = Type.Object(
  {
    state: Type.Optional(
      Type.String({ description: "How the rollout stands, in one word.", enum: [...ROLLOUT_STATES] }),
    ),
    message: Type.Optional(Type.String({ description: "Why it stands so, in one sentence." })),
    observedGeneration: Type.Optional(Type.Integer({ description: "The generation that this is about." })),
    resolvedImage: Type.Optional(Type.String({ description: "The osImage that the digest was asked for." })),
    reference: Type.Optional(Type.String({ description: "The image as repository@digest: what nodes get." })),
    digest: Type.Optional(
      Type.String({
        description: "sha256:... of the image, asked once for each rollout; absent while it is being asked.",
      }),
    ),
    containerImages: Type.Optional(
      Type.Array(containerImage, {
        description: "The images of prepare and upgradeContainer, asked together with the digest.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      }),
    ),
    version: Type.Optional(
      Type.Object(
        {
          name: Type.String({ description: "Name of the ManagedOSVersion." }),
          spec: managedOSVersion.spec,
        },
        {
          description:
            "The ManagedOSVersion that the image is taken from, as the operator saw it last: the rollout goes on with it where somebody deletes it.",
        },
      ),
    ),
    plan: Type.Optional(
      Type.String({ description: "Names what nodes carry out: image, cloud config and containers, as a hash." }),
    ),
    startedAt: time("When this plan began."),
    canariesDoneAt: time("When the last canary of this plan had succeeded."),
    canariesDoneFor: Type.Optional(
      Type.String({ description: "Names the canary.selector that canariesDoneAt is about, as a hash." }),
    ),
    attempts: count("The number of the last grant."),
    total: count(
      "Machines that the image is for, and those that still hold a slot of it: the sum of updated, updating, failed, refused and pending.",
    ),
    updated: count("Machines that run it, and hold no slot any more."),
    updating: count("Machines that hold a slot."),
    failed: count("Machines on which this plan went wrong."),
    pending: count("Machines that are still to come."),
    refused: count(
      "Machines that may not go from what they run to the ManagedOSVersion, and have not failed; see the condition PathRefused.",
    ),
    clusters: count("Clusters that the image is for."),
    // The operator writes these two as a whole; with an owner for each entry a write costs the API server three times as much.
    slots: Type.Optional(
      Type.Array(slot, {
        description: "Machines that are being upgraded.",
        "x-kubernetes-list-type": "atomic",
      }),
    ),
    failures: Type.Optional(
      Type.Array(failure, {
        description: "Machines on which this plan went wrong, 200 at most; others count where they say so themselves.",
        "x-kubernetes-list-type": "atomic",
      }),
    ),
    conditions,
  },
  { description: "How far it has come." },
);
