/** PEM blocks in a text, with whatever stands between them; found in one pass, however many begin and never end. */

/** Without the dashes at its end, which may be those before the next one. */
const BOUNDARY = /-----(BEGIN|END) ([A-Z0-9 ]+)(?=-----)/g;
const DASHES = 5;

export interface PemBlock {
  readonly label: string;
  /** Between the two boundaries. */
  readonly body: string;
  /** With both. */
  readonly whole: string;
}

/** Each from a beginning that has an end of the same label behind it, to the first such end. Source: RFC 7468, but laxer */
export function pemBlocks(text: string): readonly PemBlock[] {
  const boundaries = [...text.matchAll(BOUNDARY)];
  /** Where the last end of each label is. */
  const lastEnds = new Map<string, number>();
  for (const { index, 1: kind, 2: label = "" } of boundaries) if (kind === "END") lastEnds.set(label, index);
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly from: number; readonly bodyFrom: number } | undefined;
  /** Behind the last block, and behind the boundary that is open. */
  let behind = 0;
  for (const { index, 0: boundary, 1: kind, 2: label = "" } of boundaries) {
    if (index < behind) continue;
    const to = index + boundary.length + DASHES;
    if (open === undefined) {
      if (kind !== "BEGIN" || (lastEnds.get(label) ?? -1) < to) continue;
      open = { label, from: index, bodyFrom: to };
      behind = to;
    } else if (kind === "END" && label === open.label) {
      blocks.push({ label, body: text.slice(open.bodyFrom, index), whole: text.slice(open.from, to) });
      open = undefined;
      behind = to;
    }
  }
  return blocks;
}
