/** The words of ours in GRUB's environment block. Source: docs/decisions/0015-slots.md */
import { SlotError } from "./errors.ts";
import type { GrubWords } from "./grub-environment.ts";
import { isSlotName, type SlotName } from "./slot.ts";

export interface SlotWords {
  /** Starts when nothing else is asked for. */
  readonly good: SlotName;
  /** Starts once. */
  readonly try: SlotName | undefined;
  /** The next start wipes what makes this machine this machine. */
  readonly reset: boolean;
  /** Further kernel arguments. */
  readonly extra: string;
  /** Written since it was good last, or never good: nothing to go back to, whatever it says of itself. */
  readonly unproven: SlotName | undefined;
}

/** @throws SlotError SLOT_ENVIRONMENT_BROKEN */
export function readSlotWords(words: GrubWords): SlotWords {
  const good = words.get("good");
  if (!isSlotName(good)) {
    throw new SlotError("SLOT_ENVIRONMENT_BROKEN", "GRUB's environment block names no good slot");
  }
  const trial = words.get("try");
  const unproven = words.get("unproven");
  return {
    good,
    try: isSlotName(trial) ? trial : undefined,
    reset: words.get("reset") === "1",
    extra: words.get("extra") ?? "",
    // An agent that does not know this word may have found the slot good.
    unproven: isSlotName(unproven) && unproven !== good ? unproven : undefined,
  };
}

/** @param words  what else there is stays */
export function changeSlotWords(words: GrubWords, change: Partial<SlotWords>): GrubWords {
  const next = { ...readSlotWords(words), ...change };
  return freshSlotWords(next, words);
}

export function freshSlotWords(
  { good, try: trial, reset, extra, unproven }: SlotWords,
  others: GrubWords = new Map(),
): GrubWords {
  // All words are there always: what is only emptied cannot fail for want of room.
  return new Map([
    ...others,
    ["good", good],
    ["try", trial ?? ""],
    ["reset", reset ? "1" : ""],
    ["extra", extra],
    ["unproven", unproven ?? ""],
  ]);
}
