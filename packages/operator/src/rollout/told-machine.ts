/** What a machine is to know when it has said how far it is. */
import { believedAttempt, PHASES, type UpgradeStatus } from "@rancheros/protocol/upgrade";
import { imageKey } from "./compile-image.ts";
import { namedVersion } from "./effective-image.ts";
import { givesWay } from "./gives-way.ts";
import type { ImageState } from "./image-state.ts";
import type { Told } from "./rollout-desk.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import { SPEAKS_EVERY_MS } from "./silence.ts";
import type { Slot } from "./slot.ts";

const IDLE_STATUS_SECONDS = SPEAKS_EVERY_MS / 1000;
const HELD_STATUS_SECONDS = 60;

/** That there is no plan may only mean that the version has not been read yet. */
function needsVersion({ plan, image }: ImageState): boolean {
  return plan === undefined && namedVersion(image.source) !== undefined;
}

function countedBy({ image }: ImageState): number {
  return believedAttempt(image.object.status?.attempts);
}

export type Word = Pick<UpgradeStatus, "plan" | "image" | "attempt" | "phase">;

/** What the answer goes by beside the index. */
export interface Grounds {
  /** Whether all images have been read. */
  readonly isSynced: boolean;
  /** Whether the image that the machine speaks of, or what it is for, cannot be read as it is now: what is known is of before. */
  readonly isUnread: boolean;
  /** Whether all versions have been read that images may name. */
  readonly areVersionsKnown: boolean;
  /** Whether the image has just been read from the API server, after the machine said what it did. */
  readonly isFresh: boolean;
}

/**
 * Whether the machine speaks of a grant that its image has not counted yet as far as it is known here: the watch is late,
 * or the image is another one of that name, which never granted it. The API server can tell.
 */
export function isUncounted(index: RolloutIndex, { metadata }: RolloutMachine, word: Word): boolean {
  if (word.image === undefined || word.plan === undefined || PHASES[word.phase].mayBeSwitched) return false;
  const image = index.image(imageKey({ namespace: metadata.namespace, name: word.image }));
  if (image === undefined || image.slots.get(metadata.uid)?.attempt === word.attempt) return false;
  return countedBy(image) < word.attempt;
}

/** Whether the machine holds a slot of a plan that is none here: of a version, perhaps, which the watch has not shown yet. */
export function isUnplanned(index: RolloutIndex, { metadata }: RolloutMachine, word: Word): boolean {
  if (word.image === undefined || PHASES[word.phase].mayBeSwitched) return false;
  const image = index.image(imageKey({ namespace: metadata.namespace, name: word.image }));
  return image !== undefined && needsVersion(image) && image.slots.get(metadata.uid)?.attempt === word.attempt;
}

/** Whether the image, as it is known, still wants of the machine what it granted the slot for. */
function isWanted(index: RolloutIndex, image: ImageState, { uid, plan }: Slot): boolean {
  const state = index.machine(uid);
  return plan === image.plan && (state === undefined || state.claims[0] === image);
}

export function toldMachine(index: RolloutIndex, machine: RolloutMachine, word: Word, grounds: Grounds): Told {
  const { isSynced, isUnread, areVersionsKnown, isFresh } = grounds;
  // An upgrade that somebody began by hand is nothing that the operator ends.
  const none = {
    holdsSlot: true,
    nextStatusInSeconds: IDLE_STATUS_SECONDS,
    heardEveryMs: SPEAKS_EVERY_MS,
  };
  if (word.image === undefined || word.plan === undefined) return none;
  const { mayBeSwitched } = PHASES[word.phase];
  const { namespace, uid } = machine.metadata;
  const image = index.image(imageKey({ namespace, name: word.image }));
  if (image === undefined) return { ...none, holdsSlot: !isSynced || isUnread || mayBeSwitched };
  const slot = image.slots.get(uid);
  const { nodeTimeoutMs } = image.image;
  const often = {
    nextStatusInSeconds: Math.max(1, Math.min(HELD_STATUS_SECONDS, Math.floor(nodeTimeoutMs / 8000))),
    // Other images, which may give up sooner, go by it too.
    heardEveryMs: Math.min(nodeTimeoutMs / 4, SPEAKS_EVERY_MS),
  };
  if (!areVersionsKnown && needsVersion(image)) return { ...often, holdsSlot: true };
  if (slot?.attempt === word.attempt) {
    // What changes around an image that cannot be read, its version or Fleet's clusters, is no word about it.
    const goesOn = (isUnread || isWanted(index, image, slot)) && !givesWay(index, image, slot);
    return { ...often, holdsSlot: goesOn || mayBeSwitched };
  }
  // A grant that this replica has not seen yet is no lost one: grants are counted.
  return { ...often, holdsSlot: !isFresh && countedBy(image) < word.attempt };
}
