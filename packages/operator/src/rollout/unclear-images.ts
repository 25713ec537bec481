/**
 * Images of which nobody can tell for which machines they are: a selector of theirs, or of a ClusterGroup that they choose by,
 * is none, and no earlier one is known. They may be for any machine of their namespace, so that no younger image takes one.
 */
import { STATUS_MESSAGE_MAX_CHARACTERS, type Waiting } from "@rancheros/protocol/upgrade";
import type { CompiledImage } from "./compile-image.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";

/**
 * The one that keeps a machine from being decided about.
 * @param image  that has the machine; undefined where none has it
 */
export function unclearBefore(
  index: RolloutIndex,
  namespace: string,
  image: ImageState | undefined,
): ImageState | undefined {
  for (const one of index.imagesOf(namespace)) {
    if (one.image.isUnclear) return one;
    if (one.image.key === image?.image.key) return undefined;
  }
  return undefined;
}

/** What a machine is told that waits for it. */
export function unclearWaiting({ key, claimProblems }: CompiledImage): Waiting {
  const what = `nobody can tell for which machines ManagedOSImage ${key} is: `;
  const mend = "; mend that, or delete the image";
  const room = STATUS_MESSAGE_MAX_CHARACTERS - what.length - mend.length;
  return { reason: "Invalid", message: what + claimProblems.join("; ").slice(0, Math.max(0, room)) + mend };
}
