/**
 * The original's parser of dmidecode's text (os2, pkg/dmidecode/decode.go), written again from a description of what it
 * does: a block begins at `Handle `, a blank line ends it, tabs are depth, a line is cut at its first ": ".
 */

export type Value = string | readonly string[] | { readonly [key: string]: Value };
export type Report = Readonly<Record<string, Value>>;

const SKIPPED = new Set(["OEM-specific Type", "End Of Table"]);

/** The reports of the text's blocks, each under its title, in order. */
export function parseBlocks(text: string): readonly Report[] {
  return blocksOf(text).map((lines) => new Parser().read(lines).report);
}

/** What the original made of the whole text: of several blocks with the same title the last one stays. */
export function parseAsOriginal(text: string): Report {
  const parser = new Parser();
  for (const lines of blocksOf(text)) parser.read(lines);
  return parser.report;
}

function blocksOf(text: string): readonly (readonly string[])[] {
  const blocks: string[][] = [];
  let open: string[] | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("Handle ")) {
      open = [];
      blocks.push(open);
    } else if (line.trim() === "") open = undefined;
    else open?.push(line);
  }
  return blocks;
}

type Draft = { [key: string]: Draft | string | string[] };

class Parser {
  readonly #root: Draft = {};

  get report(): Report {
    return this.#root;
  }

  read(lines: readonly string[]): this {
    let previous: readonly string[] = [];
    for (const line of lines) {
      if (SKIPPED.has(line)) return this;
      const depth = Math.min(/^\t*/.exec(line)?.[0].length ?? 0, previous.length);
      const cut = line.indexOf(": ");
      const name = (cut === -1 ? line : line.slice(0, cut)).trim();
      const value = cut === -1 ? "" : line.slice(cut + 2).trim();
      const keys = [...previous.slice(0, depth), name];
      if (value !== "" || line.includes(":")) this.#put(keys, value);
      else if (keys.length === 1) this.#put(keys, {});
      else this.#append(keys.slice(0, -1), name);
      previous = keys;
    }
    return this;
  }

  /** A path that leads through a text or a list leads nowhere: such a line is lost. */
  #put(keys: readonly string[], value: Draft | string | string[]): void {
    let at = this.#root;
    for (const key of keys.slice(0, -1)) {
      const next = (at[key] ??= {});
      if (typeof next === "string" || Array.isArray(next)) return;
      at = next;
    }
    const last = keys.at(-1);
    if (last !== undefined) at[last] = value;
  }

  #append(keys: readonly string[], item: string): void {
    let at: Draft | string | string[] | undefined = this.#root;
    for (const key of keys) at = typeof at === "object" && !Array.isArray(at) ? at[key] : undefined;
    this.#put(keys, Array.isArray(at) ? [...at, item] : [item]);
  }
}
