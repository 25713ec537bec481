/** Images by digest: what a reference means, what a registry has under it, and for which processors. */
export { IMAGE_PULL_ERRORS, ImagePullError } from "./errors.ts";
export type { ImagePullErrorCode } from "./errors.ts";
export { parsePinnedImage } from "./image-reference.ts";
export type { PinnedImage } from "./image-reference.ts";
export { choosePlatform, parseImageConfig, parseManifest, wrongPlatform } from "./manifest.ts";
export type { Descriptor, ImageConfig, ImageIndex, ImageManifest } from "./manifest.ts";
export { nodePlatform, platformDistance, platformText } from "./platform.ts";
export type { Platform } from "./platform.ts";
