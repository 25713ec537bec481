/** Manifests and indexes, as far as the operator looks into them. */
import { ambiguousField, isImageDigest } from "@rancheros/protocol/images";
import { RegistryError } from "./errors.ts";

const IMAGE_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);
const INDEX_TYPES: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
const OLD_TYPE = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** Everything that a node could pull. */
export const MANIFEST_ACCEPT = [...INDEX_TYPES, ...IMAGE_TYPES].join(", ");
/** What registries must store at least. Source: OCI distribution-spec, "Pushing Manifests" */
export const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;
const MAX_ENTRIES = 1_000;

export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

export interface ManifestSummary {
  readonly mediaType: string;
  /** Bytes of all layers as they are transferred; undefined for an index. */
  readonly layerBytes: number | undefined;
  /** Of an index; undefined for a single image. */
  readonly platforms: readonly ImagePlatform[] | undefined;
}

/**
 * @param contentType  the Content-Type header
 * @param what         for messages: what was asked for
 * @throws RegistryError  REGISTRY_NONSENSE
 * Source: OCI image-spec manifest.md and image-index.md; distribution spec/manifest-v2-2.md
 */
export function summarizeManifest(contentType: string | undefined, body: Buffer, what: string): ManifestSummary {
  const mediaType = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (OLD_TYPE.test(mediaType)) {
    const mend = "Push the image again with a tool of this decade: nodes cannot pull Docker's schema 1 any more.";
    throw new RegistryError("REGISTRY_NONSENSE", `${what}: is in Docker's old format, schema 1`, { mend });
  }
  const isIndex = INDEX_TYPES.has(mediaType);
  if (!isIndex && !IMAGE_TYPES.has(mediaType)) {
    throw nonsense(what, `is of type ${JSON.stringify(mediaType.slice(0, 100))}, not an image`);
  }
  const entries = listOf(readDocument(body, mediaType, what), isIndex ? "manifests" : "layers", what);
  if (isIndex) return { mediaType, layerBytes: undefined, platforms: entries.flatMap(platformOf) };
  const layerBytes = sumSizes(entries);
  if (layerBytes === undefined) throw nonsense(what, "has layers without a size");
  return { mediaType, layerBytes, platforms: undefined };
}

/**
 * The images of an index, without what builders put there beside them; none where it is no index or one that others would
 * read as something else, or no digests are in it.
 */
export function platformDigests(body: Buffer): readonly string[] {
  const text = body.toString("utf8");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  // What is an artifact as well would be let in for the sake of images that are none of it.
  const isOther = isFields(document) && ["layers", "config", "blobs"].some((name) => Object.hasOwn(document, name));
  if (isOther || ambiguousField(text) !== undefined) return [];
  const list: unknown = isFields(document) ? document["manifests"] : undefined;
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  const images = entries.filter((one) => isFields(one) && !isAttestation(one));
  const digests = images.flatMap((one) => (isFields(one) && isDigest(one["digest"]) ? [one["digest"]] : []));
  return digests.length === images.length ? digests : [];
}

function isAttestation({ platform }: Fields): boolean {
  return isFields(platform) && platform["os"] === "unknown";
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && isImageDigest(value);
}

function nonsense(what: string, text: string): RegistryError {
  return new RegistryError("REGISTRY_NONSENSE", `${what}: ${text}`);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readDocument(body: Buffer, mediaType: string, what: string): Fields {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new RegistryError("REGISTRY_NONSENSE", `${what}: is no JSON`, { cause });
  }
  if (!isFields(document)) throw nonsense(what, "is no JSON object");
  const ambiguous = ambiguousField(body.toString("utf8"));
  if (ambiguous !== undefined) throw nonsense(what, `is ambiguous: ${ambiguous}`);
  if (document["schemaVersion"] !== 2) throw nonsense(what, "has a schemaVersion other than 2");
  const own = document["mediaType"];
  if (own !== undefined && own !== mediaType) throw nonsense(what, "has a mediaType that is not its Content-Type");
  return document;
}

function listOf(document: Fields, name: "manifests" | "layers", what: string): readonly Fields[] {
  // One document that two programs read as two images. Source: CVE-2021-41190
  const other = name === "layers" ? "manifests" : "layers";
  if (Object.hasOwn(document, other)) throw nonsense(what, `has both ${name} and ${other}, or only the wrong one`);
  const value = document[name];
  const entries: readonly unknown[] = Array.isArray(value) && value.length <= MAX_ENTRIES ? value : [undefined];
  if (!entries.every(isFields)) throw nonsense(what, `has no list of at most ${MAX_ENTRIES} ${name}`);
  return entries;
}

function sumSizes(layers: readonly Fields[]): number | undefined {
  let sum = 0;
  for (const { size } of layers) {
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return undefined;
    sum += size;
  }
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** Builders put attestations into indexes, as images for the platform unknown/unknown. */
function platformOf(entry: Fields): readonly ImagePlatform[] {
  const { platform } = entry;
  if (!isFields(platform)) return [];
  const { os, architecture, variant } = platform;
  if (!isName(os) || !isName(architecture) || os === "unknown") return [];
  return [{ os, architecture, variant: isName(variant) ? variant : undefined }];
}

function isName(value: unknown): value is string {
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value);
}
