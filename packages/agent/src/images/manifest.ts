/** Manifests, indexes and configurations of images, OCI and Docker v2, as far as a node needs them. */
import { ambiguousField, isImageDigest } from "@rancheros/protocol/images";

import { ImagePullError } from "./errors.ts";
import { platformDistance, platformText, type Platform } from "./platform.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
  /** As `org.opencontainers.image.ref.name` has it, which containerd notes layers under. */
  readonly refName?: string | undefined;
}

export interface ImageManifest {
  readonly kind: "manifest";
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: "index";
  readonly manifests: readonly (Descriptor & { readonly platform: Platform | undefined })[];
}

export interface ImageConfig {
  readonly platform: Platform;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** NAME=VALUE */
  readonly env: readonly string[];
  /** Digests of the layers' uncompressed content, the lowest first. */
  readonly diffIds: readonly string[];
}

export const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;
export const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;

/** Source: OCI image-spec annotations.md */
const REF_NAME = "org.opencontainers.image.ref.name";

const MAX_LAYERS = 500;
const MAX_MANIFESTS = 500;
/** A petabyte: what claims more is nonsense, and sums stay exact. */
const MAX_SIZE_BYTES = 1e15;

/** @throws ImagePullError IMAGE_BROKEN that names every bad field */
export function parseManifest(bytes: Uint8Array): ImageManifest | ImageIndex {
  const problems: string[] = [];
  const value = parseJson(bytes, "the manifest");
  const manifest = isRecord(value) ? value : {};
  if (manifest["schemaVersion"] !== 2) problems.push("schemaVersion: is not 2");
  const list = manifest["manifests"];
  // Two programs might take such a one for different things (CVE-2021-41190).
  if (list !== undefined && manifest["layers"] !== undefined) problems.push("it is an index and a manifest at once");
  const types: readonly string[] = Array.isArray(list) ? INDEX_TYPES : MANIFEST_TYPES;
  if (!isOneOf(types, manifest["mediaType"]))
    problems.push(`mediaType: is neither missing nor one of ${types.join(", ")}`);
  const ambiguous = ambiguousField(Buffer.from(bytes).toString("utf8"));
  if (ambiguous !== undefined) problems.push(ambiguous);
  const result: ImageManifest | ImageIndex = Array.isArray(list)
    ? {
        kind: "index",
        manifests: bounded(list, MAX_MANIFESTS, "manifests", problems).map((one, at) =>
          indexEntry(one, `manifests[${at}]`, problems),
        ),
      }
    : {
        kind: "manifest",
        config: descriptor(manifest["config"], "config", problems),
        layers: bounded(manifest["layers"], MAX_LAYERS, "layers", problems).map((one, at) =>
          descriptor(one, `layers[${at}]`, problems),
        ),
      };
  if (problems.length > 0) throw broken(`the manifest is not one of an image: ${problems.slice(0, 10).join("; ")}`);
  return result;
}

/** @throws ImagePullError IMAGE_BROKEN */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, "the image's configuration");
  const top = isRecord(value) ? value : {};
  const config = isRecord(top["config"]) ? top["config"] : {};
  const problems: string[] = [];
  const os = text(top["os"], "os", problems);
  const architecture = text(top["architecture"], "architecture", problems);
  const variant = typeof top["variant"] === "string" && top["variant"] !== "" ? top["variant"] : undefined;
  const strings = (name: string): readonly string[] => {
    const list = config[name] ?? [];
    if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list;
    problems.push(`config.${name}: is not a list of texts`);
    return [];
  };
  const rootfs = isRecord(top["rootfs"]) ? top["rootfs"] : {};
  const told: unknown = rootfs["diff_ids"];
  const diffIds = Array.isArray(told) ? told.flatMap((one: unknown) => (isDigest(one) ? [one] : [])) : [];
  if (!Array.isArray(told) || told.length !== diffIds.length)
    problems.push("rootfs.diff_ids: is not a list of digests");
  const parsed = {
    diffIds,
    platform: { os, architecture, variant },
    entrypoint: strings("Entrypoint"),
    command: strings("Cmd"),
    env: strings("Env"),
  };
  if (problems.length > 0) throw broken(`the image's configuration is not one: ${problems.join("; ")}`);
  return parsed;
}

/**
 * The image of an index that runs on the node, the nearest to its processor.
 * @throws ImagePullError IMAGE_WRONG_PLATFORM with what there is
 */
export function choosePlatform(index: ImageIndex, node: Platform): Descriptor {
  let best: { readonly entry: Descriptor; readonly distance: number } | undefined;
  for (const entry of index.manifests) {
    const distance = entry.platform === undefined ? undefined : platformDistance(node, entry.platform);
    if (distance === undefined || (best !== undefined && best.distance <= distance)) continue;
    best = { entry, distance };
  }
  if (best !== undefined) return best.entry;
  const offered = index.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platformText(platform)]));
  throw wrongPlatform(node, offered);
}

export function wrongPlatform(node: Platform, offered: readonly string[]): ImagePullError {
  const platforms = [...new Set(offered)].slice(0, 20).join(", ");
  const told = platforms === "" ? "no platform that it names" : platforms;
  return new ImagePullError(
    "IMAGE_WRONG_PLATFORM",
    `this node is ${platformText(node)}, and the image is for ${told}`,
    {
      details: { node: platformText(node), image: platforms },
    },
  );
}

function indexEntry(value: unknown, field: string, problems: string[]): ImageIndex["manifests"][number] {
  const told = isRecord(value) && isRecord(value["platform"]) ? value["platform"] : undefined;
  const { os, architecture, variant } = told ?? {};
  const platform =
    typeof os === "string" && typeof architecture === "string"
      ? { os, architecture, variant: typeof variant === "string" && variant !== "" ? variant : undefined }
      : undefined;
  return { ...descriptor(value, field, problems), platform };
}

function descriptor(value: unknown, field: string, problems: string[]): Descriptor {
  const told = isRecord(value) ? value : {};
  const { digest, size, mediaType } = told;
  const refName = isRecord(told["annotations"]) ? told["annotations"][REF_NAME] : undefined;
  const goodDigest = typeof digest === "string" && isImageDigest(digest);
  const goodSize = typeof size === "number" && Number.isInteger(size) && size >= 0 && size <= MAX_SIZE_BYTES;
  if (!goodDigest) problems.push(`${field}.digest: is no digest`);
  if (!goodSize) problems.push(`${field}.size: is not a number of bytes`);
  return {
    mediaType: typeof mediaType === "string" ? mediaType : "",
    digest: goodDigest ? digest : "",
    sizeBytes: goodSize ? size : 0,
    refName: typeof refName === "string" ? refName : undefined,
  };
}

function bounded(value: unknown, max: number, field: string, problems: string[]): readonly unknown[] {
  if (!Array.isArray(value)) problems.push(`${field}: is not a list`);
  else if (value.length > max) problems.push(`${field}: has more than ${max} entries`);
  else return value;
  return [];
}

/** Go, and so containerd, writes and reads what is missing as an empty text too. Source: OCI image-spec, manifest.md and image-index.md */
function isOneOf(types: readonly string[], mediaType: unknown): boolean {
  if (mediaType === undefined || mediaType === null || mediaType === "") return true;
  return typeof mediaType === "string" && types.includes(mediaType);
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && isImageDigest(value);
}

function text(value: unknown, field: string, problems: string[]): string {
  if (typeof value === "string" && value !== "") return value;
  problems.push(`${field}: is missing`);
  return "";
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ImagePullError("IMAGE_BROKEN", `${what} is not JSON`, { cause });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function broken(message: string): ImagePullError {
  return new ImagePullError("IMAGE_BROKEN", message);
}
