/** ManagedOSVersion: one version of an operating system that ManagedOSImages may name. */
import { Type, type Static } from "typebox";
import { VERSION_MAX_CHARACTERS, VERSION_PATTERN } from "../versions/index.ts";
import { container } from "./container.ts";
import { AGE_COLUMN, type ResourceKind } from "./resource-kind.ts";
import { conditions, nullable, openObject } from "./schema-parts.ts";

const version = (field: string, description: string) =>
  Type.String({
    description,
    maxLength: VERSION_MAX_CHARACTERS,
    "x-kubernetes-validations": [
      {
        rule: `self == '' || self.matches('${VERSION_PATTERN}')`,
        message: `${field} must be a semantic version such as v1.2.3`,
      },
    ],
  });

const metadata = openObject(
  {
    upgradeImage: Type.Optional(
      Type.String({ description: "Of a container: the image that nodes upgrade to.", maxLength: 4096 }),
    ),
    displayName: Type.Optional(Type.String({ description: "What people call it.", maxLength: 1024 })),
    uri: Type.Optional(
      Type.String({ description: "Of an iso: where it is, or the image that holds it.", maxLength: 4096 }),
    ),
  },
  { description: "What else is known of it, with any further fields." },
);

const spec = Type.Object(
  {
    version: version("version", "The version, by Semantic Versioning, such as v1.2.3."),
    type: Type.Optional(
      Type.String({
        description:
          "container: an image that nodes upgrade to. iso: a medium to install from, which ManagedOSImages do not take. Default container.",
        enum: ["container", "iso"],
      }),
    ),
    minVersion: Type.Optional(
      version(
        "minVersion",
        "The oldest version that may go to this one. A machine that runs an older one is left out.",
      ),
    ),
    metadata: Type.Optional(metadata),
    upgradeContainer: Type.Optional(
      nullable(container("upgradeContainer", "A container."), {
        description:
          "Replaces the container that carries out the upgrade, where the ManagedOSImage names no upgradeContainer itself.",
      }),
    ),
  },
  {
    description: "Which version, and what it is made of.",
    "x-kubernetes-validations": [
      { rule: "self.version != ''", message: "version is missing: give one such as v1.2.3" },
      {
        rule: "(has(self.type) && self.type == 'iso') || (has(self.metadata) && has(self.metadata.upgradeImage))",
        message: "metadata.upgradeImage is missing: name the image that nodes upgrade to",
      },
    ],
  },
);

const status = Type.Object({ conditions }, { description: "Whether it can be used, and whether its channel has it." });

export const managedOSVersion = {
  kind: "ManagedOSVersion",
  plural: "managedosversions",
  singular: "managedosversion",
  shortNames: ["mosv"],
  description:
    "One version of an operating system. ManagedOSImages of the same namespace name it in managedOSVersionName.",
  spec,
  status,
  columns: [
    { name: "Version", type: "string", jsonPath: ".spec.version", description: "The version." },
    { name: "Type", type: "string", jsonPath: ".spec.type", description: "container or iso." },
    {
      name: "Image",
      type: "string",
      jsonPath: ".spec.metadata.upgradeImage",
      description: "The image that nodes upgrade to.",
    },
    {
      name: "Usable",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Usable')].status",
      description: "Whether ManagedOSImages can take it.",
    },
    {
      name: "In-Sync",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='InSync')].status",
      description: "Whether its channel still has it.",
    },
    {
      name: "Min-Version",
      type: "string",
      jsonPath: ".spec.minVersion",
      description: "The oldest version that may go to it.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
} as const satisfies ResourceKind;

export type ManagedOSVersionSpec = Static<typeof spec>;
export type ManagedOSVersionStatus = Static<typeof status>;
