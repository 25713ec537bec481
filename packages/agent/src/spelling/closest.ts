/** Which of the known words somebody may have meant. */

/** Further away a suggestion is more surprising than helpful. */
const MAX_EDITS = 3;

/** @returns the known word with the fewest edits between, `undefined` where none is near */
export function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: candidate.startsWith(word) ? 1 : editDistance(word, candidate) }))
    .sort((one, other) => one.edits - other.edits);
  const [best] = ranked;
  const allowed = Math.min(MAX_EDITS, Math.ceil(word.length / 2));
  return best !== undefined && best.edits <= allowed ? best.candidate : undefined;
}

/** Levenshtein's: insertions, deletions and replacements. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_value, column) => column);
  for (const [row, character] of Array.from(one).entries()) {
    const current = [row + 1];
    for (let column = 1; column <= other.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (other[column - 1] === character ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}
