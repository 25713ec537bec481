/** Whether this replica knows enough to decide about an image, and what a machine is told that waits for that. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import { namedVersion } from "./effective-image.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { unclearBefore, unclearWaiting } from "./unclear-images.ts";
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
    // Of one of which nobody can tell for which machines it is, only that is written down; see unclearStatus.
    if (unread.has(key)) return false;
    if (!image.isUnclear && this.#before(image.object.metadata.namespace, state) !== undefined) return false;
    const needsFleet = image.claim?.targets !== undefined;
    const needsVersions = namedVersion(image.source) !== undefined;
    return (!needsFleet || parts.fleetSynced()) && (!needsVersions || parts.versionsSynced());
  }

  /** Why nothing is decided about an image that can be read: an older one may have its machines. */
  blocked(key: string): Waiting | undefined {
    const { index, unread, imagesSynced } = this.#parts;
    const state = index.image(key);
    if (state === undefined || !imagesSynced() || unread.has(key) || state.image.isUnclear) return undefined;
    return this.#before(state.image.object.metadata.namespace, state);
  }

  /** Whether nothing that is known of the image now says that it does not want any more what it has granted. */
  isUnread(key: string): boolean {
    const { index, unread, fleetSynced } = this.#parts;
    // Images of clusters that nobody has read yet seem to be for none.
    return !fleetSynced() || unread.has(key) || (index.image(key)?.image.claimProblems.length ?? 0) > 0;
  }

  /** What keeps machines of the namespace from being decided about that the image, or none, has. */
  #before(namespace: string, image: ImageState | undefined): Waiting | undefined {
    const { index, unread } = this.#parts;
    const read = unread.before(namespace, image);
    if (read !== undefined) return unreadWaiting(read);
    const unclear = unclearBefore(index, namespace, image);
    return unclear === undefined ? undefined : unclearWaiting(unclear.image);
  }

  /** Why nothing is decided about a machine of the namespace. @param image  that has it */
  waiting(namespace: string, image: ImageState | undefined): Waiting | undefined {
    const before = this.#before(namespace, image);
    if (before !== undefined) return before;
    if (image === undefined) return this.#parts.imagesSynced() ? NO_IMAGE : NOT_READY;
    return this.isReady(image.image.key) ? undefined : NOT_READY;
  }
}
