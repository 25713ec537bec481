/** Images by digest: what a reference means, what a registry has under it, and a way for a runtime to load it. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { blobDoubts } from "./blob-doubts.ts";
import { readTls } from "./io/read-registries.ts";
import { registryRequest } from "./io/registry-request.ts";
import { startRelayServer } from "./io/relay-server.ts";
import { openImageThrough, type OpenImage, type OpenImageOptions } from "./open-image.ts";
import { resolveTagThrough, type ResolvedTag, type ResolveTagOptions } from "./resolve-tag.ts";

/** As long as this process. */
const doubts = blobDoubts();

/**
 * Asks the registry what the image is. Nothing large is loaded before `relay` is called and used.
 * @throws ImagePullError; SignatureError where a policy of this machine does not let it in
 */
export function openImage(options: OpenImageOptions): Promise<OpenImage> {
  return openImageThrough(
    {
      registryRequest,
      readTls,
      startRelayServer,
      doubts,
      // Large, and of use only to who has such a signature before him.
      verifyKeyless: async (...bundle) => (await import("@rancheros/keyless")).verifyKeyless(...bundle),
      environment: process.env,
      nowMs: () => performance.now(),
      random: Math.random,
      sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
      randomSecret: () => randomBytes(24).toString("base64url"),
    },
    options,
  );
}

/**
 * Which digest a tag names now.
 * @throws ImagePullError, ImageReferenceError
 */
export function resolveTag(options: ResolveTagOptions): Promise<ResolvedTag> {
  return resolveTagThrough({ registryRequest, readTls, environment: process.env }, options);
}

export { accountsOf } from "./accounts-of.ts";
export type { HostAccount } from "./accounts-of.ts";
export type { AdmitEvent } from "./admit-image.ts";
export type { ImageDescription } from "./describe-image.ts";
export { IMAGE_PULL_ERRORS, ImagePullError } from "./errors.ts";
export type { ImagePullErrorCode } from "./errors.ts";
export { parsePinnedImage, pinnedImageNamed } from "./image-reference.ts";
export type { PinnedImage } from "./image-reference.ts";
export { POLICY_FILES, readPolicies } from "./io/read-policies.ts";
export { readRegistries, registriesIfThere } from "./io/read-registries.ts";
export { choosePlatform, parseImageConfig, parseManifest, wrongPlatform } from "./manifest.ts";
export type { Descriptor, ImageConfig, ImageIndex, ImageManifest } from "./manifest.ts";
export type { ImageEvent, ImageRelay, OpenImage, OpenImageOptions } from "./open-image.ts";
export { nodePlatform, platformDistance, platformText } from "./platform.ts";
export type { Platform } from "./platform.ts";
export { NO_REGISTRIES } from "./registries.ts";
export type { Registries, RegistryAccount } from "./registries.ts";
export type { ResolvedTag, ResolveTagOptions } from "./resolve-tag.ts";
