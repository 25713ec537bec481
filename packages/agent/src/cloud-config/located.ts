/** YAML values that know where they stand. */

export interface Position {
  /** From 1. */
  readonly line: number;
  /** In UTF-16 units, from 1. */
  readonly column: number;
}

export type Located =
  | { readonly kind: "map"; readonly at: Position; readonly entries: ReadonlyMap<string, LocatedEntry> }
  | { readonly kind: "list"; readonly at: Position; readonly items: readonly Located[] }
  | {
      readonly kind: "scalar";
      readonly at: Position;
      readonly value: string | number | bigint | boolean | Uint8Array | null;
      /** As it is written, without quotes: `0644` stays that. */
      readonly source: string;
    };

export interface LocatedEntry {
  readonly keyAt: Position;
  readonly value: Located;
}

/** One thing that is wrong or odd. Never holds a value of the document: that may be a secret. */
export interface Finding extends Position {
  readonly severity: "error" | "warning";
  /** As `users[0].passwd`; empty for the document. */
  readonly path: string;
  readonly sentence: string;
}

/** Such as 1e999: too large for Go's numbers, it is text to it. What is not finite otherwise is .inf or .nan. */
export function isTooLarge({ value, source }: Extract<Located, { readonly kind: "scalar" }>): boolean {
  return typeof value === "number" && !Number.isFinite(value) && /\d/.test(source);
}

/** @returns JSON-like values; of what !!binary marks the text, as Go has it: dates do not come from our schema. */
export function plain(node: Located): unknown {
  if (node.kind === "map") {
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
  }
  if (node.kind === "list") return node.items.map(plain);
  if (node.value instanceof Uint8Array) return Buffer.from(node.value).toString("utf8");
  return typeof node.value === "bigint" || isTooLarge(node) ? node.source : node.value;
}

export function below(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}
