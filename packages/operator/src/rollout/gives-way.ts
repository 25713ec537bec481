/**
 * Servers of one cluster may belong to several images. What an image grants is compared and swapped in its own status;
 * of another image's grant a replica hears when its watch shows it, so that two may let a server go in the same moment.
 * Both replicas know of it when the servers ask, before they switch, whether they still hold their slots.
 */
import { serversAwayAtMost } from "./amount.ts";
import type { ImageState } from "./image-state.ts";
import { isOverAsSaid } from "./over-as-said.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { Slot } from "./slot.ts";

/** Whether this server has to give its slot back: those of older images, and earlier ones of its own, come first. */
export function givesWay(index: RolloutIndex, image: ImageState, slot: Slot): boolean {
  if (slot.isServer !== true) return false;
  const { namespace } = image.image.object.metadata;
  const images = index.imagesOf(namespace);
  const isRival = (one: Slot): boolean => one.isServer === true && one.cluster === slot.cluster;
  const older = images.slice(0, Math.max(0, images.indexOf(image)));
  const ofOlder = older.flatMap((one) =>
    [...one.slots.values()].filter((rival) => isRival(rival) && !isOverAsSaid(index, one, rival)),
  ).length;
  // Within one image nothing is granted at the same moment.
  if (ofOlder === 0) return false;
  const earlier = [...image.slots.values()].filter((one) => isRival(one) && one.attempt < slot.attempt).length;
  return ofOlder + earlier >= serversAwayAtMost(index.servers.membersOf(namespace, slot.cluster));
}
