/** The hash that a digest is one of. */
import { createHash, type Hash } from "node:crypto";

import { digestAlgorithm } from "@rancheros/protocol/images";

import { ImagePullError } from "./errors.ts";

/** @throws ImagePullError IMAGE_BROKEN for a text that no parser has let through */
export function digestHash(digest: string): Hash {
  const algorithm = digestAlgorithm(digest);
  if (algorithm === undefined) throw new ImagePullError("IMAGE_BROKEN", `${digest.slice(0, 100)} is no digest`);
  return createHash(algorithm);
}
