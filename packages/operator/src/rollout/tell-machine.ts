/** Tells a machine whether it goes on, with another look at its image and version where what is known here may be late. */
import { isCodedError } from "@rancheros/protocol/errors";
import { imageKey } from "./compile-image.ts";
import type { ImageState } from "./image-state.ts";
import { loseImage, renewImage } from "./late-answers.ts";
import type { Told } from "./rollout-desk.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutParts } from "./rollout-parts.ts";
import { isUncounted, isUnplanned, toldMachine, type Grounds, type Word } from "./told-machine.ts";

/** A watch that is well has shown by then what was stored before the machine spoke. */
const WATCH_LAG_MS = 500;

export interface TellParts extends Pick<RolloutParts, "store" | "refreshSources" | "setTimer"> {
  readonly index: RolloutIndex;
  /** @param key  of the image that the machine speaks of */
  readonly grounds: (key: string) => Omit<Grounds, "isFresh">;
  /** Told of images for which something has changed. */
  readonly touch: (images: ReadonlySet<ImageState>) => void;
}

export type TellMachine = (machine: RolloutMachine, word: Word) => Promise<Told>;

/** Never rejects because of the API server: while nobody can say, nothing is broken off. */
export function createTellMachine(parts: TellParts): TellMachine {
  const { index, grounds, touch } = parts;
  /** One look at a time for each machine, by uid: who speaks faster than it is answered causes no further requests. */
  const looking = new Map<string, { readonly attempt: number; readonly isFresh: Promise<boolean> }>();

  async function look(machine: RolloutMachine, word: Word & { readonly image: string }): Promise<boolean> {
    const { namespace } = machine.metadata;
    await new Promise<void>((resolve) => parts.setTimer(resolve, WATCH_LAG_MS));
    const shown = index.image(imageKey({ namespace, name: word.image }));
    if (shown === undefined || !isUncounted(index, machine, word)) return false;
    try {
      // Each machine for itself: a read that was begun before it spoke may be older than its grant.
      const fresh = await parts.store.read(namespace, word.image);
      touch(fresh === undefined ? loseImage(index, shown.image.source) : renewImage(index, fresh));
      return true;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      return false;
    }
  }

  async function isLookedAt(machine: RolloutMachine, word: Word & { readonly image: string }): Promise<boolean> {
    const { uid } = machine.metadata;
    const before = looking.get(uid);
    if (before !== undefined) return before.attempt === word.attempt && before.isFresh;
    const isFresh = look(machine, word).finally(() => looking.delete(uid));
    looking.set(uid, { attempt: word.attempt, isFresh });
    return isFresh;
  }

  /** @returns whether the version that the image names is known as it is now */
  async function isVersionFresh(key: string): Promise<boolean> {
    const shown = index.image(key);
    if (shown === undefined) return true;
    try {
      await parts.refreshSources(shown.image);
      return true;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      return false;
    }
  }

  return async (machine, word) => {
    const { image } = word;
    const key = imageKey({ namespace: machine.metadata.namespace, name: image ?? "" });
    const isFresh =
      image !== undefined && isUncounted(index, machine, word) && (await isLookedAt(machine, { ...word, image }));
    const isKnown = image === undefined || !isUnplanned(index, machine, word) || (await isVersionFresh(key));
    const { areVersionsKnown, ...rest } = grounds(key);
    return toldMachine(index, machine, word, { ...rest, areVersionsKnown: areVersionsKnown && isKnown, isFresh });
  };
}
