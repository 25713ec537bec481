/** ManagedOSVersionChannel: where ManagedOSVersions come from, and how often it is looked there. */
import { Type, type Static } from "typebox";
import { RANGE_MAX_CHARACTERS } from "../versions/index.ts";
import { channelOptions } from "./channel-options.ts";
import { container } from "./container.ts";
import { duration } from "./duration.ts";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { conditions, nullable } from "./schema-parts.ts";

/** Reasons of the condition Synced. */
export const SYNC_REASONS = [
  "Synchronizing",
  "Synchronized",
  "ChannelDisabled",
  "InvalidConfiguration",
  "FailedToSync",
  "FailedToCreatePod",
] as const;
export type SyncReason = (typeof SYNC_REASONS)[number];

const spec = Type.Object(
  {
    type: Type.String({
      description:
        "json: a list of versions at a URL. oci: the tags of an image's repository. custom: a container that writes the list.",
      enum: ["json", "oci", "custom"],
    }),
    enabled: Type.Optional(nullable(Type.Boolean(), { description: "Whether it is read at all. Default true." })),
    syncInterval: Type.Optional(
      duration("syncInterval", {
        description: "How often it is read, at least a minute apart. Default 1h; a tenth more or less by chance.",
      }),
    ),
    deleteNoLongerInSyncVersions: Type.Optional(
      nullable(Type.Boolean(), {
        description:
          "Delete versions that the channel does not have any more, unless a ManagedOSImage names them. Default false: they are marked.",
      }),
    ),
    registry: Type.Optional(
      Type.String({
        description: "Put before the name of each image, with a slash between, as for a registry of one's own.",
        maxLength: 253,
      }),
    ),
    options: Type.Optional(channelOptions),
    upgradeContainer: Type.Optional(
      nullable(container("upgradeContainer", "A container."), {
        description: "Copied into each version; replaces the container that carries out the upgrade.",
      }),
    ),
  },
  {
    description: "Where versions come from.",
    "x-kubernetes-validations": [
      {
        rule: "self.type != 'json' || (has(self.options) && has(self.options.uri))",
        message: "options.uri is missing: a channel of type json needs the address of its list",
      },
      {
        rule: "self.type != 'oci' || (has(self.options) && has(self.options.repository))",
        message: "options.repository is missing: a channel of type oci needs the name of an image without its tag",
      },
      {
        rule: "self.type != 'custom' || (has(self.options) && has(self.options.image))",
        message: "options.image is missing: a channel of type custom needs a container's image",
      },
      {
        rule: `self.type != 'oci' || !has(self.options) || !has(self.options.range) || size(self.options.range) <= ${RANGE_MAX_CHARACTERS}`,
        message: `options.range must have at most ${RANGE_MAX_CHARACTERS} characters`,
      },
    ],
  },
);

const time = (description: string) => Type.Optional(Type.String({ description, format: "date-time" }));
const count = (description: string) => Type.Optional(Type.Integer({ description }));

const status = Type.Object(
  {
    lastSyncedTime: time("When it was read last, to the end and without an error."),
    lastAttemptTime: time("When it was tried to be read last."),
    notBeforeTime: time("Until then its server has asked to be left alone (Retry-After)."),
    syncedGeneration: count("The generation of the spec that was read, or tried, last."),
    syncRequest: Type.Optional(
      Type.String({ description: "What the annotation rancheros.cattle.io/sync said at that time." }),
    ),
    failedSynchronizationAttempts: count("How often it has failed since it was read last."),
    versions: count("How many versions it has."),
    skipped: count("How many entries are none, or are not taken; the message says why."),
    outOfSync: count("How many versions are kept that it does not have any more."),
    conditions,
  },
  { description: "When it was read, and what came of it." },
);

export const managedOSVersionChannel = {
  kind: "ManagedOSVersionChannel",
  plural: "managedosversionchannels",
  singular: "managedosversionchannel",
  shortNames: ["mosvc"],
  description: "A source of ManagedOSVersions, which are made in its namespace and follow it.",
  spec,
  status,
  columns: [
    { name: "Type", type: "string", jsonPath: ".spec.type", description: "json, oci or custom." },
    {
      name: "Synced",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Synced')].status",
      description: "Whether it was read.",
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Synced')].reason",
      description: "How reading it stands.",
    },
    { name: "Versions", type: "integer", jsonPath: ".status.versions", description: "How many versions it has." },
    { name: "Last-Sync", type: "date", jsonPath: ".status.lastSyncedTime", description: "When it was read last." },
    {
      name: "Message",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Synced')].message",
      description: "What went wrong, or what was not taken.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type { ChannelOptions } from "./channel-options.ts";
export type ManagedOSVersionChannelSpec = Static<typeof spec>;
export type ManagedOSVersionChannelStatus = Static<typeof status>;
