/** What a registry has under a digest, for this node: asked before anything large is loaded. */
import { ImagePullError } from "./errors.ts";
import type { PinnedImage } from "./image-reference.ts";
import type { ImageSource } from "./image-source.ts";
import { choosePlatform, parseImageConfig, parseManifest, wrongPlatform, type Descriptor } from "./manifest.ts";
import { platformDistance, platformText, type Platform } from "./platform.ts";

export interface ImageDescription {
  readonly image: PinnedImage;
  readonly platform: Platform;
  /** Of the image for this platform; the image's own where it is no index. */
  readonly manifestDigest: string;
  /** Index and manifest, as they came, by digest. */
  readonly manifests: ReadonlyMap<string, Buffer>;
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
  /** Digests of the layers' uncompressed content, in the same order. */
  readonly diffIds: readonly string[];
  /** Of configuration and layers, as they are transferred: compressed, each once. */
  readonly transferBytes: number;
}

/**
 * @throws ImagePullError  IMAGE_NOT_FOUND, IMAGE_NO_RIGHTS, IMAGE_CREDENTIALS_WRONG, IMAGE_WRONG_PLATFORM, IMAGE_BROKEN,
 *         IMAGE_DIGEST_WRONG and what the network does
 */
export async function describeImageThrough(
  source: ImageSource,
  image: PinnedImage,
  platform: Platform,
  signal: AbortSignal,
): Promise<ImageDescription> {
  const top = await source.manifest(image.digest, signal);
  const manifests = new Map([[image.digest, top]]);
  let manifestDigest = image.digest;
  let parsed = parseManifest(top);
  if (parsed.kind === "index") {
    manifestDigest = choosePlatform(parsed, platform).digest;
    const inner = await source.manifest(manifestDigest, signal);
    manifests.set(manifestDigest, inner);
    parsed = parseManifest(inner);
  }
  if (parsed.kind === "index") throw new ImagePullError("IMAGE_BROKEN", `${image.name} is an index of indexes`);
  const { config, layers } = parsed;
  // An index may say what it likes: the image itself tells what it is made for.
  const { platform: made, diffIds } = parseImageConfig(await source.smallBlob(config.digest, signal));
  if (platformDistance(platform, made) === undefined) throw wrongPlatform(platform, [platformText(made)]);
  const sizes = new Map([config, ...layers].map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  const transferBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { image, platform, manifestDigest, manifests, config, layers, diffIds, transferBytes };
}
