import { isTerminal } from "@rancheros/protocol/upgrade";
import type { ImageState } from "./image-state.ts";
import { isAbout } from "./machine-place.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { Slot } from "./slot.ts";

/** Whether the machine has said that what it holds the slot for has ended: that may wait long for being written down. */
export function isOverAsSaid(index: RolloutIndex, { image }: ImageState, slot: Slot): boolean {
  const machine = index.machine(slot.uid)?.machine;
  const upgrade = machine?.rollout.upgrade;
  if (machine === undefined || upgrade === undefined) return false;
  return isAbout(machine, image.object.metadata.name, slot) && isTerminal(upgrade.phase);
}
