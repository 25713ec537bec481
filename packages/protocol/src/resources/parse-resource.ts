/** From what the API server sent to a typed object, or all that is wrong with it. */
import { Type, type Static, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Set as setFormat } from "typebox/format";
import { machineInventory, nodeTaint, type NodeTaint } from "./machine-inventory.ts";
import { machineRegistration } from "./machine-registration.ts";
import { managedOSImage } from "./managed-os-image.ts";
import { managedOSVersion } from "./managed-os-version.ts";
import { managedOSVersionChannel } from "./managed-os-version-channel.ts";

// Kubernetes takes times that are none elsewhere, such as 2026-01-01T00:00:00,5Z or of the zone +24:00, and its word counts:
// an object is not to be unreadable for one of them. Whoever goes by a time reads it, and says what is wrong with it.
setFormat("date-time", () => true);

const metadata = Type.Object({
  name: Type.String(),
  namespace: Type.String(),
  uid: Type.String(),
  resourceVersion: Type.String(),
  creationTimestamp: Type.Optional(Type.String()),
  deletionTimestamp: Type.Optional(Type.String()),
  generation: Type.Optional(Type.Integer()),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
  finalizers: Type.Optional(Type.Array(Type.String())),
});

const registrationSchema = Type.Object({
  metadata,
  spec: machineRegistration.spec,
  status: Type.Optional(machineRegistration.status),
});
const inventorySchema = Type.Object({
  metadata,
  spec: machineInventory.spec,
  status: Type.Optional(machineInventory.status),
});
const imageSchema = Type.Object({ metadata, spec: managedOSImage.spec, status: Type.Optional(managedOSImage.status) });

const versionSchema = Type.Object({
  metadata,
  spec: managedOSVersion.spec,
  status: Type.Optional(managedOSVersion.status),
});
const channelSchema = Type.Object({
  metadata,
  spec: managedOSVersionChannel.spec,
  status: Type.Optional(managedOSVersionChannel.status),
});

export type ObjectMeta = Static<typeof metadata>;
export type MachineRegistration = Static<typeof registrationSchema>;
export type MachineInventory = Static<typeof inventorySchema>;
export type ManagedOSImage = Static<typeof imageSchema>;
export type ManagedOSVersion = Static<typeof versionSchema>;
export type ManagedOSVersionChannel = Static<typeof channelSchema>;

/** Either the object, or one sentence for each bad field. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      /** Where they are: JSON pointers (RFC 6901). */
      readonly pointers: readonly string[];
    };

/** Than what is said beside it of the same value. */
function saysNoMore({ keyword, message }: { readonly keyword: string; readonly message: string }): boolean {
  return keyword === "anyOf" || (keyword === "type" && message === "must be null");
}

function parserOf<Schema extends TSchema>(schema: Schema): (input: unknown) => Parsed<Static<Schema>> {
  const validator = Compile(schema);
  return (input) => {
    if (validator.Check(input)) return { ok: true, value: input };
    const all = validator.Errors(input);
    const said = all.filter((error) => !saysNoMore(error));
    // That a field with something bad in it, or a bad value, is not null either helps nobody.
    const errors = all.filter((error) => {
      const { keyword, instancePath } = error;
      if (saysNoMore(error) && said.some((other) => other.instancePath === instancePath)) return false;
      const isAbove = all.some((other) => other.instancePath.startsWith(`${instancePath}/`));
      return (keyword !== "anyOf" && keyword !== "type") || !isAbove;
    });
    const problems = new Set(errors.map((error) => `${error.instancePath || "/"} ${error.message}`));
    const pointers = new Set(errors.map((error) => error.instancePath));
    return { ok: false, problems: [...problems], pointers: [...pointers] };
  };
}

const parseRegistration = parserOf(registrationSchema);

/** See ResourceKind.isSpecOptional. */
function withSpec(input: unknown): unknown {
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  return isObject && (Reflect.get(input, "spec") ?? undefined) === undefined ? { ...input, spec: {} } : input;
}

/** Reads a MachineRegistration of the API server; one without a spec is one with an empty spec. */
export function parseMachineRegistration(input: unknown): Parsed<MachineRegistration> {
  return parseRegistration(withSpec(input));
}

/** Reads a MachineInventory of the API server. */
export const parseMachineInventory: (input: unknown) => Parsed<MachineInventory> = parserOf(inventorySchema);
/** Reads one taint of it. */
export const parseNodeTaint: (input: unknown) => Parsed<NodeTaint> = parserOf(nodeTaint);
/** Reads a ManagedOSImage of the API server. */
export const parseManagedOSImage: (input: unknown) => Parsed<ManagedOSImage> = parserOf(imageSchema);
/** Reads a ManagedOSVersion of the API server. */
export const parseManagedOSVersion: (input: unknown) => Parsed<ManagedOSVersion> = parserOf(versionSchema);
/** Reads the spec of a ManagedOSVersion as a channel has it. */
export const parseManagedOSVersionSpec: (input: unknown) => Parsed<ManagedOSVersion["spec"]> = parserOf(
  managedOSVersion.spec,
);
/** Reads a ManagedOSVersionChannel of the API server. */
export const parseManagedOSVersionChannel: (input: unknown) => Parsed<ManagedOSVersionChannel> =
  parserOf(channelSchema);

/** Reads what every object has, whatever else is wrong with it. */
export const parseObjectMeta: (input: unknown) => Parsed<{ readonly metadata: ObjectMeta }> = parserOf(
  Type.Object({ metadata }),
);

/** Hash of the machine's endorsement key under either of its names; undefined where there is none. */
export function endorsementKeyHash(spec: { readonly tpm?: string; readonly tpmHash?: string }): string | undefined {
  const hash = spec.tpm || spec.tpmHash;
  return hash === undefined || hash === "" ? undefined : hash;
}
