/** What a ManagedOSVersion is good for: the image that nodes upgrade to, and who may go there. */
import { ImageReferenceError, parseImageReference } from "@rancheros/protocol/images";
import type { Container, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { parseVersion, type Version } from "@rancheros/protocol/versions";
import { nestingProblems } from "./is-deeper-than.ts";
import { variableProblems } from "./variable-problems.ts";

/** Reasons of the condition Usable. */
export type UsableReason =
  | "Usable"
  | "IsIso"
  | "NoImage"
  | "ImageInvalid"
  | "VersionInvalid"
  | "MinVersionInvalid"
  | "NestedTooDeeply"
  | "VariableInvalid";

export interface VersionFacts {
  /** As the object has them. */
  readonly spec: ManagedOSVersionSpec;
  readonly version: Version;
  readonly minVersion: Version | undefined;
  readonly image: string;
  readonly upgradeContainer: Container | undefined;
  /** METADATA_... for the container that carries out the upgrade, as the original has them. */
  readonly environment: Readonly<Record<string, string>>;
}

export type VersionReading =
  | { readonly ok: true; readonly facts: VersionFacts }
  | { readonly ok: false; readonly reason: Exclude<UsableReason, "Usable">; readonly message: string };

const METADATA_MAX = 64;
const METADATA_MAX_CHARACTERS = 1_024;

/** Nodes refuse a plan with a variable that no process can have. */
function isFit(text: string): boolean {
  return text.length <= METADATA_MAX_CHARACTERS && text.isWellFormed() && !text.includes("\0");
}

function environmentOf(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const variables = Object.entries(metadata).flatMap(([key, value]): readonly (readonly [string, string])[] => {
    const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    const text = isScalar ? String(value) : "";
    const name = `METADATA_${key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")}`;
    return isScalar && isFit(text) && name.length <= 128 ? [[name, text]] : [];
  });
  return Object.fromEntries(variables.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, METADATA_MAX));
}

function refused(reason: Exclude<UsableReason, "Usable">, message: string): VersionReading {
  return { ok: false, reason, message };
}

/** @returns why the image is none; undefined where it is one */
export function imageProblem(image: string): string | undefined {
  try {
    parseImageReference(image);
    return undefined;
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return error.problems.join("; ");
  }
}

/** Never throws: objects of other schemas than ours may be stored. */
export function readVersion(spec: ManagedOSVersionSpec): VersionReading {
  const { metadata = {}, minVersion: minText = "" } = spec;
  if (spec.type === "iso") return refused("IsIso", "it is a medium to install from, nodes upgrade to containers only");
  const [nesting] = nestingProblems(spec, "spec");
  if (nesting !== undefined) return refused("NestedTooDeeply", nesting);
  const version = parseVersion(spec.version);
  if (version === undefined) {
    return refused("VersionInvalid", `spec.version: ${JSON.stringify(spec.version)} is no semantic version`);
  }
  const minVersion = minText === "" ? undefined : parseVersion(minText);
  if (minText !== "" && minVersion === undefined) {
    return refused("MinVersionInvalid", `spec.minVersion: ${JSON.stringify(minText)} is no semantic version`);
  }
  const image = metadata.upgradeImage ?? "";
  if (image === "") return refused("NoImage", "spec.metadata.upgradeImage is missing");
  const problem = imageProblem(image);
  if (problem !== undefined) return refused("ImageInvalid", `spec.metadata.upgradeImage: ${problem}`);
  const upgradeContainer = spec.upgradeContainer ?? undefined;
  const [variable] = variableProblems(upgradeContainer, "spec.upgradeContainer");
  if (variable !== undefined) return refused("VariableInvalid", variable);
  return {
    ok: true,
    facts: { spec, version, minVersion, image, upgradeContainer, environment: environmentOf(metadata) },
  };
}
