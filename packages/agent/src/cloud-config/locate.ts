/** From the parser's nodes to located values; aliases are followed as far as the bounds allow. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Alias, type Document, type Node } from "yaml";

import { MAX_DEPTH, MAX_VALUES } from "./limits.ts";
import type { Finding, Located, LocatedEntry, Position } from "./located.ts";

/** What is no base64 would be left out of it without a word. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Ends the walk: the finding is the answer. */
class Refused extends Error {
  readonly at: Position;
  constructor(at: Position, message: string) {
    super(message);
    this.at = at;
  }
}

export function locate(
  document: Document,
  place: (offset: number) => Position,
): { readonly root: Located | undefined; readonly findings: readonly Finding[] } {
  try {
    const walk = new Walk(place);
    const root = document.contents === null ? undefined : walk.node(document.contents, 0);
    return { root, findings: [] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { root: undefined, findings: [{ severity: "error", path: "", ...error.at, sentence: error.message }] };
  }
}

class Walk {
  #values = 0;
  /** As far as the walk has come: the last of a name counts. */
  readonly #anchors = new Map<string, Node>();
  readonly #targets = new Map<unknown, Node>();
  readonly #place: (offset: number) => Position;

  constructor(place: (offset: number) => Position) {
    this.#place = place;
  }

  /** @param aliasAt  where the alias stands through which this is reached: what its values blow up to is its fault */
  node(node: unknown, depth: number, aliasAt?: Position): Located {
    const at = this.#placeOf(node, aliasAt);
    if (++this.#values > MAX_VALUES) {
      throw new Refused(
        aliasAt ?? at,
        `there are more than ${MAX_VALUES} values, those that aliases repeat counted each time`,
      );
    }
    if (depth > MAX_DEPTH) throw new Refused(aliasAt ?? at, "maps and lists are nested too deep");
    if (isAlias(node)) return this.node(this.#target(node, at), depth + 1, aliasAt ?? at);
    if (aliasAt === undefined) this.#remember(node);
    if (isMap(node)) return { kind: "map", at, entries: this.#entries(node.items, depth, aliasAt) };
    if (isSeq(node)) return { kind: "list", at, items: node.items.map((item) => this.node(item, depth + 1, aliasAt)) };
    if (!isScalar(node)) return { kind: "scalar", at, value: null, source: "" };
    if (node.value instanceof Uint8Array && !BASE64.test(sourceOf(node).replaceAll(/\s/g, ""))) {
      throw new Refused(at, "what !!binary marks is no base64");
    }
    if (!isScalarValue(node.value)) throw new Refused(at, "a value is of a kind that is not known");
    return { kind: "scalar", at, value: node.value, source: sourceOf(node) };
  }

  /** Reached again through another alias, it still names what it named in its own place. */
  #target(alias: Alias, at: Position): Node {
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (target === undefined) throw new Refused(at, "the alias (*name) names an anchor that is not there");
    this.#targets.set(alias, target);
    return target;
  }

  #remember(node: unknown): void {
    if (isNode(node) && "anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
  }

  #entries(items: readonly unknown[], depth: number, aliasAt: Position | undefined): ReadonlyMap<string, LocatedEntry> {
    const entries = new Map<string, LocatedEntry>();
    const merged: LocatedEntry[] = [];
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const keyAt = this.#placeOf(pair.key, aliasAt);
      const key = isScalar(pair.key) ? sourceOf(pair.key) : undefined;
      if (key === undefined) throw new Refused(keyAt, "a key must be a text");
      if (entries.has(key)) throw new Refused(keyAt, "this key is there twice");
      const value = this.node(pair.value ?? { range: undefined }, depth + 1, aliasAt);
      if (key === "<<" && isPlain(pair.key)) merged.push({ keyAt, value });
      else entries.set(key, { keyAt, value: isBare(pair.value) ? { ...value, at: keyAt } : value });
    }
    for (const entry of merged) addMerged(entries, entry);
    return entries;
  }

  #placeOf(node: unknown, aliasAt: Position | undefined): Position {
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
    const offset: unknown = Array.isArray(range) ? range[0] : undefined;
    return typeof offset === "number" ? this.#place(offset) : (aliasAt ?? { line: 1, column: 1 });
  }
}

/** `<<: *anchor` or `<<: [*one, *other]`: what is there already, wins. Source: YAML 1.1's merge key, which cloud-init reads */
function addMerged(entries: Map<string, LocatedEntry>, { keyAt, value }: LocatedEntry): void {
  const maps = value.kind === "list" ? value.items : [value];
  for (const map of maps) {
    if (map.kind !== "map") throw new Refused(keyAt, "<< must name a map or a list of maps");
    for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
  }
}

function isScalarValue(value: unknown): value is Extract<Located, { readonly kind: "scalar" }>["value"] {
  if (value === null || value instanceof Uint8Array) return true;
  return ["string", "number", "bigint", "boolean"].includes(typeof value);
}

/** A `<<` in quotes is a key like any other. */
function isPlain(key: unknown): boolean {
  return isScalar(key) && (key.type === undefined || key.type === "PLAIN");
}

function isBare(value: unknown): boolean {
  return value === null || value === undefined;
}

function sourceOf(node: Node): string {
  if (!isScalar(node)) return "";
  if (typeof node.value === "string") return node.value;
  return node.source ?? String(node.value);
}
