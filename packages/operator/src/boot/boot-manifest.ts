/** Boot media at a registry: an artifact whose layers are kernel, initrd and squashfs, each as it is. */
import { BOOT_FILES, type BootFile } from "./boot-route.ts";
import { BootError } from "./errors.ts";

/** Says in the manifest which file a layer is. Source: OCI image-spec annotations.md */
const TITLE = "org.opencontainers.image.title";
const MAX_BYTES = 16 * 1024 ** 3;

export interface BootBlob {
  /** sha256:HEX */
  readonly digest: string;
  readonly sizeBytes: number;
}

export type BootMedia = Readonly<Record<BootFile, BootBlob>>;

/**
 * @param manifest  JSON, checked against its digest already
 * @param what      for messages
 * @throws BootError  BOOT_MEDIA_INVALID, with everything that is wrong
 */
export function parseBootManifest(manifest: Buffer, what: string): BootMedia {
  const layers = layersOf(manifest, what);
  const problems: string[] = [];
  const blob = (file: BootFile): BootBlob => {
    const found = layers.filter((layer) => titleOf(layer) === file);
    const [layer] = found;
    if (layer === undefined || found.length > 1) {
      problems.push(layer === undefined ? `has no layer with the title ${file}` : `has several layers called ${file}`);
      return { digest: "", sizeBytes: 0 };
    }
    const { digest, size } = layer;
    const isDigest = typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest);
    if (!isDigest) problems.push(`${file}: its digest is none of sha256`);
    const isSize = typeof size === "number" && Number.isSafeInteger(size) && size > 0 && size <= MAX_BYTES;
    if (!isSize) problems.push(`${file}: its size is no number of bytes above 0`);
    return { digest: isDigest ? digest : "", sizeBytes: isSize ? size : 0 };
  };
  const [kernel, initrd, squashfs] = BOOT_FILES.map(blob);
  if (problems.length > 0 || kernel === undefined || initrd === undefined || squashfs === undefined) {
    throw new BootError("BOOT_MEDIA_INVALID", `${what}: ${problems.join("; ")}`);
  }
  return { kernel, initrd, squashfs };
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function layersOf(manifest: Buffer, what: string): readonly Fields[] {
  let document: unknown;
  try {
    document = JSON.parse(manifest.toString("utf8"));
  } catch (cause) {
    throw new BootError("BOOT_MEDIA_INVALID", `${what}: its manifest is no JSON`, { cause });
  }
  const layers: unknown = isFields(document) ? document["layers"] : undefined;
  if (!Array.isArray(layers)) throw new BootError("BOOT_MEDIA_INVALID", `${what}: has no layers`);
  return layers.filter(isFields);
}

function titleOf(layer: Fields): unknown {
  const { annotations } = layer;
  return isFields(annotations) ? annotations[TITLE] : undefined;
}
