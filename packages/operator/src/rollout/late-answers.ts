/** What requests were answered, which may be older than what the watch has shown: it brings nothing back, and takes nothing away. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { imageKey } from "./compile-image.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

const UNCHANGED: ReadonlySet<ImageState> = new Set();

/** Of a machine that was seen to go meanwhile it is void. @returns the images for which something has changed */
export function renewMachine(index: RolloutIndex, machine: RolloutMachine): ReadonlySet<ImageState> {
  return index.isGone(machine.metadata.uid) ? UNCHANGED : index.putMachine(machine);
}

/** That this very machine is not there; there may be another one of its name meanwhile. */
export function loseMachine(index: RolloutIndex, uid: string): ReadonlySet<ImageState> {
  const state = index.machine(uid);
  return state === undefined ? UNCHANGED : index.deleteMachine(state.machine);
}

/** Of an image that was seen to go meanwhile it is void. */
export function renewImage(index: RolloutIndex, object: ManagedOSImage): ReadonlySet<ImageState> {
  return index.isImageGone(object.metadata.uid) ? UNCHANGED : index.putImage(object);
}

/** That this very image is not there; there may be another one of its name meanwhile. */
export function loseImage(index: RolloutIndex, { metadata }: ManagedOSImage): ReadonlySet<ImageState> {
  const known = index.image(imageKey(metadata))?.image.object.metadata;
  return known?.uid === metadata.uid ? index.deleteImage({ metadata }) : UNCHANGED;
}
