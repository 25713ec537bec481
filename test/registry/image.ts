/** Images made of files that a test gives: OCI or Docker v2, one platform or an index of several. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tar, type TarEntry } from "./tar.ts";

const OCI = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;
const DOCKER = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  index: "application/vnd.docker.distribution.manifest.list.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

export type ImageFormat = "oci" | "docker";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageOptions {
  /** One layer each, the lowest first. */
  readonly layers: readonly (readonly TarEntry[])[];
  readonly format?: ImageFormat;
  /** Default: linux on this machine's processor. */
  readonly platform?: Platform;
  /** The image's `config`: Entrypoint, Cmd, Env, Labels. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Of all layers, as an annotation. */
  readonly layerName?: string | undefined;
}

export interface Image {
  readonly kind: "image";
  readonly format: ImageFormat;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly platform: Platform;
  readonly manifest: Buffer;
  /** Config and layers, by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Bytes of all layers as they are transferred. */
  readonly layerBytes: number;
}

export interface ImageIndex {
  readonly kind: "index";
  readonly descriptor: Descriptor;
  readonly manifest: Buffer;
  readonly images: readonly Image[];
}

export const THIS_PLATFORM: Platform = {
  os: "linux",
  architecture: process.arch === "arm64" ? "arm64" : "amd64",
};

/** @returns `sha256:` and 64 hex digits */
export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The same options give the same digest. */
export function buildImage(options: ImageOptions): Image {
  const format = options.format ?? "oci";
  const types = format === "oci" ? OCI : DOCKER;
  const platform = options.platform ?? THIS_PLATFORM;
  const archives = options.layers.map((entries) => tar(entries));
  const layers = archives.map((archive) => gzipSync(archive, { level: 1 }));
  const config = json({
    created: "1970-01-01T00:00:00Z",
    ...platform,
    config: options.config ?? {},
    rootfs: { type: "layers", diff_ids: archives.map(sha256Digest) },
    history: archives.map(() => ({ created: "1970-01-01T00:00:00Z" })),
  });
  const annotations =
    options.layerName === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": options.layerName } };
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(types.config, config),
    layers: layers.map((layer) => ({ ...describe(types.layer, layer), ...annotations })),
  });
  return {
    kind: "image",
    format,
    platform,
    descriptor: describe(types.manifest, manifest),
    manifest,
    blobs: new Map([config, ...layers].map((blob) => [sha256Digest(blob), blob])),
    layerBytes: layers.reduce((sum, layer) => sum + layer.length, 0),
  };
}

/** An index (OCI) or manifest list (Docker) of images of several platforms. */
export function buildIndex(images: readonly Image[], format: ImageFormat = "oci"): ImageIndex {
  const mediaType = (format === "oci" ? OCI : DOCKER).index;
  const manifests = images.map((image) => ({ ...image.descriptor, platform: image.platform }));
  const manifest = json({ schemaVersion: 2, mediaType, manifests });
  return { kind: "index", descriptor: describe(mediaType, manifest), manifest, images };
}

/** The image as an OCI layout in a tar archive, as `ctr image import` and `skopeo copy oci-archive:` take it. */
export function ociArchive(image: Image | ImageIndex, name: string): Buffer {
  const images = image.kind === "image" ? [image] : image.images;
  const blobs = new Map([[image.descriptor.digest, image.manifest]]);
  for (const one of images) {
    blobs.set(one.descriptor.digest, one.manifest);
    for (const [digest, blob] of one.blobs) blobs.set(digest, blob);
  }
  const tag = name.slice(name.lastIndexOf(":") + 1);
  const annotations = { "org.opencontainers.image.ref.name": tag, "io.containerd.image.name": name };
  const index = { schemaVersion: 2, mediaType: OCI.index, manifests: [{ ...image.descriptor, annotations }] };
  return tar([
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    { path: "index.json", content: json(index) },
    ...[...blobs].map(([digest, content]) => ({ path: `blobs/${digest.replace(":", "/")}`, content })),
  ]);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: sha256Digest(bytes), size: bytes.length };
}
