/** Findings of those to whom a part of a cloud-config belongs, put to their places. */
import { below, type Finding, type Located, type Position } from "./located.ts";

/** What somebody says of a document who knows nothing of lines. */
export interface Judged {
  readonly severity: Finding["severity"];
  /** Keys from the top, as they are written. */
  readonly path: readonly string[];
  /** Goes on from the path. */
  readonly sentence: string;
  /** What the finding is about. */
  readonly of: "key" | "value";
}

export function placed(root: Located, judged: readonly Judged[]): readonly Finding[] {
  return judged.map(({ severity, path: keys, sentence, of }) => {
    const path = keys.reduce(below, "");
    return { severity, path, ...placeOf(root, keys, of), sentence: `${path} ${sentence}` };
  });
}

function placeOf(root: Located, keys: readonly string[], of: Judged["of"]): Position {
  let node = root;
  let at = root.at;
  for (const key of keys) {
    const entry = node.kind === "map" ? node.entries.get(key) : undefined;
    if (entry === undefined) break;
    node = entry.value;
    at = of === "key" ? entry.keyAt : node.at;
  }
  return { line: at.line, column: at.column };
}
