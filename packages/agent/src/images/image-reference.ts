/** What a node pulls: an image by its digest. */
import { parseImageReference, writeImageReference } from "@rancheros/protocol/images";

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
  return { host, repository, digest, name: writeImageReference({ host, repository, digest, tag: undefined }) };
}
