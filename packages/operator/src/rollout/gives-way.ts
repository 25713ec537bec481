/**
 * Servers of one cluster may belong to several images. What an image grants is compared and swapped in its own status;
 * of another image's grant a replica hears when its watch shows it, so that two may let a server go in the same moment.
 * Both replicas know of it when the servers ask, before they switch, whether they still hold their slots.
 */
import { serversAwayAtMost } from "./amount.ts";
import type { ImageState } from "./image-state.ts";
import type { Slot } from "./slot.ts";

/**
 * Whether this server has to give its slot back: those of older images, and earlier ones of its own, come first.
 * @param images   of the namespace, the oldest first
 * @param servers  of the cluster
 */
export function givesWay(images: readonly ImageState[], image: ImageState, slot: Slot, servers: number): boolean {
  if (slot.isServer !== true) return false;
  const isRival = (one: Slot): boolean => one.isServer === true && one.cluster === slot.cluster;
  const older = images.slice(0, Math.max(0, images.indexOf(image)));
  const ofOlder = older.flatMap((one) => [...one.slots.values()]).filter(isRival).length;
  // Within one image nothing is granted at the same moment.
  if (ofOlder === 0) return false;
  const earlier = [...image.slots.values()].filter((one) => isRival(one) && one.attempt < slot.attempt).length;
  return ofOlder + earlier >= serversAwayAtMost(servers);
}
