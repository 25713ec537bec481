/** What a node pulls: an image by its digest. */
import { hasCode } from "@rancheros/protocol/errors";
import { ImageReferenceError, parseImageReference, writeImageReference } from "@rancheros/protocol/images";

import { ImagePullError } from "./errors.ts";

export interface PinnedImage {
  /** Host and port as references have them, such as docker.io. */
  readonly host: string;
  readonly repository: string;
  readonly digest: string;
  /** HOST/REPOSITORY@DIGEST in full: the name in the runtime's store. A tag beside a digest says nothing and is left out. */
  readonly name: string;
}

/** @throws ImagePullError IMAGE_UNPINNED; ImageReferenceError */
export function parsePinnedImage(reference: string): PinnedImage {
  const { host, repository, digest, tag } = parseImageReference(reference);
  if (digest === undefined) {
    throw new ImagePullError("IMAGE_UNPINNED", `the image ${host}/${repository}:${tag ?? ""} has no digest`);
  }
  checkPin(digest);
  return { host, repository, digest, name: writeImageReference({ host, repository, digest, tag: undefined }) };
}

/** Of a name in a runtime's store, which anybody may have written. @returns undefined where it is not one that `parsePinnedImage` gives */
export function pinnedImageNamed(name: string): PinnedImage | undefined {
  try {
    return parsePinnedImage(name);
  } catch (error) {
    if (hasCode(error, "IMAGE_UNPINNED") || hasCode(error, "IMAGE_REFERENCE_INVALID")) return undefined;
    throw error;
  }
}

/** Neither the journal of upgrades nor a tag that marks an image has room for a longer one. @throws ImageReferenceError */
export function checkPin(digest: string): void {
  if (digest.startsWith("sha256:")) return;
  throw new ImageReferenceError(["digest: is none of sha256, and images are brought onto a node by those"]);
}
