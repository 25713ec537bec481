/** What is wrong with which object, so that it is logged when it begins and when it changes, and not with every retry. */

/** Who reads a log only sees its end. */
const REMIND_MS = 3_600_000;
/** More troubles than that at once are not told apart by anybody. */
const MAX_KEYS = 1_000;

export interface Troubles {
  /** @returns whether to say so: not where the same was said of this key within the hour */
  isNews(key: string, words: string): boolean;
  /** It is well again: the same trouble is news the next time. */
  over(key: string): void;
}

/** @param nowMs  a clock that never goes back, or the time: an hour more or less does no harm */
export function createTroubles(nowMs: () => number): Troubles {
  const said = new Map<string, { readonly words: string; readonly atMs: number }>();
  return {
    isNews(key, words) {
      const last = said.get(key);
      if (last?.words === words && nowMs() - last.atMs < REMIND_MS) return false;
      // The one that was said longest ago makes room.
      said.delete(key);
      const [oldest] = said.keys();
      if (said.size >= MAX_KEYS && oldest !== undefined) said.delete(oldest);
      said.set(key, { words, atMs: nowMs() });
      return true;
    },
    over(key) {
      said.delete(key);
    },
  };
}
