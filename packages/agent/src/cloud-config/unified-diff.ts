/** The difference of two texts as `diff -u` writes it and `patch` reads it. */

const CONTEXT = 3;
/** Of each side; beyond, everything between the equal ends counts as changed. */
const MAX_COMPARED_LINES = 2_000;

type Edit = { readonly kind: " " | "-" | "+"; readonly line: string };

/** @param before  undefined where there is no such file. @returns empty where nothing differs */
export function unifiedDiff(path: string, before: string | undefined, after: string): string {
  if (before === after) return "";
  const edits = editsOf(linesOf(before ?? ""), linesOf(after));
  const hunks = hunksOf(edits).map(formatHunk);
  const from = before === undefined ? "/dev/null" : `a${path}`;
  return `--- ${from}\n+++ b${path}\n${hunks.join("")}`;
}

/** Each with its line end, which the last may lack. */
function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function editsOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const middle = changesOf(before.slice(start, before.length - end), after.slice(start, after.length - end));
  const same = (lines: readonly string[]): readonly Edit[] => lines.map((line) => ({ kind: " ", line }));
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

/** By the longest common subsequence. */
function changesOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const removed = (line: string): Edit => ({ kind: "-", line });
  const added = (line: string): Edit => ({ kind: "+", line });
  if (before.length > MAX_COMPARED_LINES || after.length > MAX_COMPARED_LINES) {
    return [...before.map(removed), ...after.map(added)];
  }
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const edits: Edit[] = [];
  let row = 0;
  let column = 0;
  for (;;) {
    const [left, right] = [before[row], after[column]];
    if (left === undefined && right === undefined) return edits;
    if (left !== undefined && left === right) {
      edits.push({ kind: " ", line: left });
      row++;
      column++;
    } else if (left !== undefined && (right === undefined || at(row + 1, column) >= at(row, column + 1))) {
      edits.push(removed(left));
      row++;
    } else if (right !== undefined) {
      edits.push(added(right));
      column++;
    }
  }
}

interface Hunk {
  /** Lines before the hunk, in the old and in the new text. */
  readonly oldBefore: number;
  readonly newBefore: number;
  readonly edits: readonly Edit[];
}

function hunksOf(edits: readonly Edit[]): readonly Hunk[] {
  const changed = edits.flatMap(({ kind }, index) => (kind === " " ? [] : [index]));
  const ranges: { from: number; to: number }[] = [];
  for (const index of changed) {
    const from = Math.max(0, index - CONTEXT);
    const to = Math.min(edits.length, index + CONTEXT + 1);
    const last = ranges.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else ranges.push({ from, to });
  }
  return ranges.map(({ from, to }) => {
    const before = edits.slice(0, from);
    return {
      oldBefore: before.filter(({ kind }) => kind !== "+").length,
      newBefore: before.filter(({ kind }) => kind !== "-").length,
      edits: edits.slice(from, to),
    };
  });
}

function formatHunk({ oldBefore, newBefore, edits }: Hunk): string {
  const oldLines = edits.filter(({ kind }) => kind !== "+").length;
  const newLines = edits.filter(({ kind }) => kind !== "-").length;
  const range = (before: number, lines: number): string => `${lines === 0 ? before : before + 1},${lines}`;
  const lines = edits.map(({ kind, line }) =>
    line.endsWith("\n") ? `${kind}${line}` : `${kind}${line}\n\\ No newline at end of file\n`,
  );
  return `@@ -${range(oldBefore, oldLines)} +${range(newBefore, newLines)} @@\n${lines.join("")}`;
}
