/** By what this program's own containers and images are told from those of others. */
import { pinnedImageNamed, type PinnedImage } from "../images/index.ts";

export const MANAGED_LABEL = "rancheros.cattle.io/managed-by";
export const MANAGER = "ros-agent";

const TAG = /^(.+):ros-agent-(sha256)-([0-9a-f]{64})$/;

/** A tag of this program's own: the mark where a runtime keeps no labels for images. */
export function markTag({ host, repository, digest }: PinnedImage): string {
  return `${host}/${repository}:ros-agent-${digest.replace(":", "-")}`;
}

/** @returns undefined for a tag of somebody else */
export function imageOfMarkTag(tag: string): PinnedImage | undefined {
  const [, place, algorithm, hex] = TAG.exec(tag) ?? [];
  return place === undefined ? undefined : pinnedImageNamed(`${place}@${algorithm}:${hex}`);
}
