/** What a machine is to know when it has said how far it is. */
import { PHASES, type UpgradeStatus } from "@rancheros/protocol/upgrade";
import { imageKey } from "./compile-image.ts";
import { namedVersion } from "./effective-image.ts";
import { givesWay } from "./gives-way.ts";
import type { ImageState } from "./image-state.ts";
import type { Told } from "./rollout-desk.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

const IDLE_STATUS_SECONDS = 600;
const HELD_STATUS_SECONDS = 60;

/** That there is no plan may only mean that the version has not been read yet. */
function needsVersion({ plan, image }: ImageState): boolean {
  return plan === undefined && namedVersion(image.source) !== undefined;
}

/**
 * @param isSynced          whether all images have been read
 * @param areVersionsKnown  whether all versions that images may name have been read
 */
export function toldMachine(
  index: RolloutIndex,
  machine: RolloutMachine,
  word: Pick<UpgradeStatus, "plan" | "image" | "attempt" | "phase">,
  isSynced: boolean,
  areVersionsKnown: boolean,
): Told {
  // An upgrade that somebody began by hand is nothing that the operator ends.
  const none = {
    holdsSlot: true,
    nextStatusInSeconds: IDLE_STATUS_SECONDS,
    heardEveryMs: IDLE_STATUS_SECONDS * 1000,
  };
  if (word.image === undefined || word.plan === undefined) return none;
  const { mayBeSwitched } = PHASES[word.phase];
  const { namespace, uid } = machine.metadata;
  const image = index.image(imageKey({ namespace, name: word.image }));
  if (image === undefined) return { ...none, holdsSlot: !isSynced || mayBeSwitched };
  const slot = image.slots.get(uid);
  const { nodeTimeoutMs, object } = image.image;
  const often = {
    nextStatusInSeconds: Math.max(1, Math.min(HELD_STATUS_SECONDS, Math.floor(nodeTimeoutMs / 8000))),
    heardEveryMs: nodeTimeoutMs / 4,
  };
  if (!areVersionsKnown && needsVersion(image)) return { ...often, holdsSlot: true };
  if (slot?.attempt === word.attempt) {
    const state = index.machine(uid);
    const isWanted = slot.plan === image.plan && (state === undefined || state.claims[0] === image);
    const servers = index.serversOf(namespace, slot.cluster);
    const goesOn = isWanted && !givesWay(index.imagesOf(namespace), image, slot, servers);
    return { ...often, holdsSlot: goesOn || mayBeSwitched };
  }
  // A grant that this replica has not seen yet is no lost one: grants are counted.
  return { ...often, holdsSlot: (object.status?.attempts ?? 0) < word.attempt };
}
