/** What the relay answers: the read-only part of the registry protocol, for one image and one caller. */
import type { ImageDescription } from "./describe-image.ts";
import { INDEX_TYPES, MANIFEST_TYPES, parseManifest } from "./manifest.ts";

export type RelayAnswer =
  | { readonly kind: "status"; readonly status: 200 | 400 | 401 | 404 | 405 | 416 }
  | { readonly kind: "manifest"; readonly digest: string; readonly mediaType: string; readonly bytes: Buffer }
  | {
      readonly kind: "blob";
      readonly digest: string;
      readonly sizeBytes: number;
      readonly fromBytes: number;
      readonly partial: boolean;
    };

export interface RelayRequest {
  readonly method: string;
  /** Path, maybe with a query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** @param authorization  what the caller has to send; whoever else finds the port gets nothing */
export function relayAnswer(image: ImageDescription, authorization: string, request: RelayRequest): RelayAnswer {
  const { method, path } = request;
  if (method !== "GET" && method !== "HEAD") return { kind: "status", status: 405 };
  if (request.authorization !== authorization) return { kind: "status", status: 401 };
  const plain = path.split("?")[0] ?? "";
  if (plain === "/v2" || plain === "/v2/") return { kind: "status", status: 200 };
  const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(plain);
  if (match === null || match[1] !== image.image.repository) return { kind: "status", status: 404 };
  const [, , kind, digest = ""] = match;
  const manifest = image.manifests.get(digest);
  if (manifest !== undefined) {
    return { kind: "manifest", digest, mediaType: mediaTypeOf(manifest), bytes: manifest };
  }
  const blob = [image.config, ...image.layers].find((one) => one.digest === digest);
  if (kind !== "blobs" || blob === undefined) return { kind: "status", status: 404 };
  return blobAnswer(digest, blob.sizeBytes, request.range);
}

function blobAnswer(digest: string, sizeBytes: number, range: string | undefined): RelayAnswer {
  if (range === undefined) return { kind: "blob", digest, sizeBytes, fromBytes: 0, partial: false };
  // Runtimes ask for what is missing at the end; another kind of range may be answered with the whole.
  const from = /^bytes=(\d{1,15})-$/.exec(range)?.[1];
  if (from === undefined) return { kind: "blob", digest, sizeBytes, fromBytes: 0, partial: false };
  const fromBytes = Number(from);
  if (fromBytes >= sizeBytes) return { kind: "status", status: 416 };
  return { kind: "blob", digest, sizeBytes, fromBytes, partial: true };
}

/** What the manifest says of itself, or what it is by its form: the registry's header is not kept. */
function mediaTypeOf(bytes: Buffer): string {
  const told: unknown = JSON.parse(bytes.toString("utf8"));
  if (typeof told === "object" && told !== null && "mediaType" in told && isMediaType(told.mediaType)) {
    return told.mediaType;
  }
  const kind = parseManifest(bytes).kind === "index" ? "index" : "manifest";
  return `application/vnd.oci.image.${kind}.v1+json`;
}

function isMediaType(told: unknown): told is string {
  return [...MANIFEST_TYPES, ...INDEX_TYPES].some((one) => one === told);
}
