/**
 * Images of which nobody can tell for which machines they are: by a selector that is none, and no earlier one is known. They
 * may be for any machine of their namespace, so that no younger image takes one.
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
    if (one.image.key === image?.image.key) return undefined;
    if (one.image.claim === undefined) return one;
  }
  return undefined;
}

/** What a machine is told that waits for it. */
export function unclearWaiting({ key, claimProblems }: CompiledImage): Waiting {
  const what = `nobody can tell for which machines ManagedOSImage ${key} is: `;
  const mend = "; change or delete it";
  const room = STATUS_MESSAGE_MAX_CHARACTERS - what.length - mend.length;
  return { reason: "Invalid", message: what + claimProblems.join("; ").slice(0, Math.max(0, room)) + mend };
}
