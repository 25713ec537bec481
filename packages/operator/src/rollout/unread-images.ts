/**
 * ManagedOSImages that are stored and cannot be read here: of a newer chart, perhaps, whose schema takes more. That is not
 * that they are gone. What was known of one before stands, nothing new is decided about it, and no younger image takes its
 * machines.
 */
import { managedOSImage } from "@rancheros/protocol/resources";
import { isNextSpec, unreadableSentence, type Unreadable } from "../controller/index.ts";
import { STATUS_MESSAGE_MAX_CHARACTERS, type Waiting } from "@rancheros/protocol/upgrade";
import { imageKey, olderFirst } from "./compile-image.ts";
import type { ImageState } from "./image-state.ts";
import type { RolloutIndex } from "./rollout-index.ts";

export type UnreadImage = Unreadable;

/** What is wrong and what to do, for people; as short as machines take it. */
export function unreadSentence(image: Pick<UnreadImage, "metadata" | "problems">): string {
  return unreadableSentence(managedOSImage.kind, image, STATUS_MESSAGE_MAX_CHARACTERS);
}

/** What a machine is told that waits for it. */
export function unreadWaiting(image: UnreadImage): Waiting {
  return { reason: "Invalid", message: unreadSentence(image) };
}

interface Held {
  readonly image: UnreadImage;
  /** Whether what the index has of it, if anything, is of the last spec that could be read. */
  readonly isLastKnown: boolean;
}

export class UnreadImages {
  readonly #index: RolloutIndex;
  readonly #unread = new Map<string, Held>();

  constructor(index: RolloutIndex) {
    this.#index = index;
  }

  get size(): number {
    return this.#unread.size;
  }

  has(key: string): boolean {
    return this.#unread.has(key);
  }

  put(image: UnreadImage): void {
    const key = imageKey(image.metadata);
    const { uid, generation } = image.metadata;
    const found = this.#unread.get(key);
    const before = found?.image.metadata.uid === uid ? found : undefined;
    const known = before?.image.metadata ?? this.#index.image(key)?.image.object.metadata;
    const isLastKnown = (before?.isLastKnown ?? true) && isNextSpec(known?.generation, generation);
    this.#unread.set(key, { image, isLastKnown });
  }

  delete(key: string): boolean {
    return this.#unread.delete(key);
  }

  /**
   * The one that keeps a machine from being decided about.
   * @param image  that has the machine; undefined where none has it that can be read
   */
  before(namespace: string, image: ImageState | undefined): UnreadImage | undefined {
    if (this.#unread.size === 0) return undefined;
    const itself = image === undefined ? undefined : this.#unread.get(image.image.key);
    if (itself !== undefined) return itself.image;
    // Of one whose machines are known, those of others are others.
    const found = [...this.#unread.values()].find(
      ({ image: { metadata }, isLastKnown }) =>
        metadata.namespace === namespace &&
        (!isLastKnown || this.#index.image(imageKey(metadata)) === undefined) &&
        (image === undefined || olderFirst(metadata, image.image.object.metadata) < 0),
    );
    return found?.image;
  }
}
