/** The name of the snapshot that all layers of an image make together. */
import { createHash } from "node:crypto";

/**
 * @param diffIds  digests of the uncompressed layers, the lowest first; at least one
 * Source: OCI image-spec config.md, "Layer ChainID"
 */
export function chainId(diffIds: readonly string[]): string {
  return diffIds.reduce((chain, diffId) => `sha256:${createHash("sha256").update(`${chain} ${diffId}`).digest("hex")}`);
}
