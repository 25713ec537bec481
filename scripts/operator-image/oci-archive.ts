/**
 * An image of layers as an OCI archive.
 * Source: OCI image specification 1.1, image-layout, config, manifest
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tarArchive, withFolders } from "./tar-archive.ts";

export interface ImageDescription {
  /** As Go calls it: amd64. */
  readonly architecture: string;
  /** Registry, repository and tag. */
  readonly name: string;
  /** Numbers: USER:GROUP. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Tar archives, the lowest first, and what is in them. */
  readonly layers: readonly { readonly tar: Buffer; readonly comment: string }[];
}

/** So old that nobody takes it for the time of the build. */
const CREATED = "1970-01-01T00:00:00Z";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function ociArchive(image: ImageDescription): { readonly archive: Buffer; readonly digest: string } {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, content: Buffer): Descriptor => {
    const hex = sha256(content);
    blobs.set(`blobs/sha256/${hex}`, content);
    return { mediaType, digest: `sha256:${hex}`, size: content.length };
  };
  const layers = image.layers.map(({ tar }) => add("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(tar)));
  const config = add(
    "application/vnd.oci.image.config.v1+json",
    json({
      created: CREATED,
      architecture: image.architecture,
      os: "linux",
      config: {
        User: image.user,
        // glibc gives each thread a heap of its own: what signatures leave in those of Node's pool is never given back.
        Env: ["PATH=/usr/bin", "MALLOC_ARENA_MAX=1"],
        Entrypoint: image.entrypoint,
        WorkingDir: "/",
        Labels: image.labels,
      },
      rootfs: { type: "layers", diff_ids: image.layers.map(({ tar }) => `sha256:${sha256(tar)}`) },
      history: image.layers.map(({ comment }) => ({ created: CREATED, comment })),
    }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = add(mediaType, json({ schemaVersion: 2, mediaType, config, layers, annotations: image.labels }));
  const annotations = {
    "io.containerd.image.name": image.name,
    "org.opencontainers.image.ref.name": image.name.split(":").at(-1),
  };
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...manifest, platform: { architecture: image.architecture, os: "linux" }, annotations }],
  };
  const files = [
    ["oci-layout", json({ imageLayoutVersion: "1.0.0" })] as const,
    ["index.json", json(index)] as const,
    ...blobs,
  ].map(([path, content]) => ({ path, mode: 0o644, content }));
  return { archive: tarArchive(withFolders(files)), digest: manifest.digest };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
