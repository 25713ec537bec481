/** Whether this replica knows enough to decide about an image, and what a machine is told that waits for that. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import { namedVersion } from "./effective-image.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { unreadWaiting, type UnreadImages } from "./unread-images.ts";
import { NO_IMAGE, NOT_READY } from "./waiting.ts";

export interface ReadinessParts extends Pick<RolloutParts, "fleetSynced" | "versionsSynced" | "machinesSynced"> {
  readonly index: RolloutIndex;
  readonly unread: UnreadImages;
  readonly imagesSynced: () => boolean;
}

export class Readiness {
  readonly #parts: ReadinessParts;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** @param key  of the image; that of none, or of one that is gone, takes no more than all being read */
  isReady(key: string): boolean {
    const { index, unread, ...parts } = this.#parts;
    const state = index.image(key);
    if (!parts.imagesSynced() || !parts.machinesSynced()) return false;
    if (state === undefined) return true;
    const { image } = state;
    if (unread.before(image.object.metadata.namespace, state) !== undefined) return false;
    const needsFleet = image.claim?.targets !== undefined;
    const needsVersions = namedVersion(image.source) !== undefined;
    return (!needsFleet || parts.fleetSynced()) && (!needsVersions || parts.versionsSynced());
  }

  /** Why nothing is decided about a machine of the namespace. @param image  that has it */
  waiting(namespace: string, image: ImageState | undefined): Waiting | undefined {
    const before = this.#parts.unread.before(namespace, image);
    if (before !== undefined) return unreadWaiting(before);
    if (image === undefined) return this.#parts.imagesSynced() ? NO_IMAGE : NOT_READY;
    return this.isReady(image.image.key) ? undefined : NOT_READY;
  }
}
