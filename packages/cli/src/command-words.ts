/** The words that command lines begin with. */
import type { CommandDescription } from "./command-description.ts";

export interface CommandWords {
  /** That can stand first. */
  readonly words: readonly string[];
  /** Of commands of two words: what can stand second, by the first. */
  readonly topics: ReadonlyMap<string, readonly string[]>;
}

export function wordsOf(commands: readonly CommandDescription[]): CommandWords {
  const topics = new Map<string, string[]>();
  const words = new Set<string>();
  for (const { name } of commands) {
    const [first = "", second] = name.split(" ");
    words.add(first);
    if (second !== undefined) topics.set(first, [...(topics.get(first) ?? []), second]);
  }
  return { words: [...words], topics };
}
