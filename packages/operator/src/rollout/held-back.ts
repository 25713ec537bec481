/** Images wait until it is known which registry they are of where they name none: with another one they would be other images. */

import { isDeepStrictEqual } from "node:util";
import type { UnusableRegistry } from "./effective-image.ts";

/** The registry of images that name none. */
export interface DefaultRegistry {
  /** Whether it has been asked for, and there is one or none. */
  readonly isKnown: () => boolean;
  /** Undefined: docker.io's. */
  readonly name: () => string | UnusableRegistry | undefined;
}

export interface HeldBack {
  /**
   * Told at once, or when the registry is known: of each key the last word only.
   * @param key  of an image; "" for what comes behind all of them
   */
  whenKnown(key: string, tell: () => void): void;
  /** The registry may be known now, or may be another one. */
  look(): void;
}

/** @param onOther  the registry is another one than what images were told by */
export function heldBack({ isKnown, name }: DefaultRegistry, onOther: () => void): HeldBack {
  let held: Map<string, () => void> | undefined = new Map();
  let known: ReturnType<DefaultRegistry["name"]>;
  return {
    whenKnown(key, tell) {
      if (held === undefined) tell();
      else held.set(key, tell);
    },
    look() {
      if (!isKnown()) return;
      const isOther = !isDeepStrictEqual(name(), known);
      known = name();
      const waiting = held;
      held = undefined;
      if (waiting === undefined) {
        if (isOther) onOther();
        return;
      }
      for (const [key, tell] of waiting) if (key !== "") tell();
      waiting.get("")?.();
    },
  };
}
