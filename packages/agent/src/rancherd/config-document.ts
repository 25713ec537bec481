/** rancherd's file while it is written: what is changed in it changes, everything else keeps the words that people chose. */
import {
  isAlias,
  isMap as isMapNode,
  isNode,
  isScalar,
  parseDocument,
  Scalar,
  visit,
  type CollectionTag,
  type Document,
  type Node,
  type Pair,
  type ScalarTag,
  type Tags,
  type YAMLMap,
} from "yaml";

import { hasUnspelled, spellCharacters } from "./control-characters.ts";
import { RancherdError } from "./errors.ts";
import { likeGo, parseGoYaml, splitDocuments } from "./go-yaml.ts";
import { isMap, isSameValue, valueAt, withoutValue, withValue } from "./plain-values.ts";

const HEAD = " Written by ros-agent from this machine's registration. What you add or change here stays.";

export class ConfigDocument {
  /** As rancherd reads it. */
  readonly values: Readonly<Record<string, unknown>>;
  #isChanged = false;
  #wanted: Readonly<Record<string, unknown>>;
  readonly #before: string;
  readonly #document: Document;

  /**
   * @param current  the file as it is; undefined where there is none
   * @throws RancherdError RANCHERD_CONFIG_UNREADABLE
   */
  constructor(current: string | undefined) {
    this.#before = current ?? "";
    this.values = current === undefined ? {} : readValues(current);
    this.#wanted = this.values;
    requireOneDocument(this.#before);
    this.#document = parseDocument(this.#before, {
      version: "1.1",
      compat: "yaml-1.1",
      uniqueKeys: false,
      customTags: (tags) => likeGo(tags).map(keepingWords),
    });
    if (this.#document.errors.length > 0) {
      throw unreadable("rancherd's configuration is not one document of YAML, so nothing can be written into it");
    }
    this.#beginIfEmpty();
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  set(path: readonly string[], value: unknown): void {
    let map = this.#root();
    for (let length = 1; length < path.length; length++) map = this.#mapBelow(map, path.slice(0, length));
    const key = path.at(-1) ?? "";
    this.#freeAliases(map, pairOf(map, key)?.value);
    put(map, key, this.#document.createNode(value));
    this.#wanted = withValue(this.#wanted, path, value);
    this.#isChanged = true;
  }

  delete(path: readonly string[]): void {
    let map = this.#root();
    for (let length = 1; length < path.length; length++) map = this.#mapBelow(map, path.slice(0, length));
    this.#freeAliases(map, pairOf(map, path.at(-1) ?? "")?.value);
    map.items = map.items.filter(({ key }) => textOf(key) !== path.at(-1));
    this.#wanted = withoutValue(this.#wanted, path);
    this.#isChanged = true;
  }

  /** @throws RancherdError RANCHERD_CONFIG_UNREADABLE where rancherd would read anything else in it than what is wanted */
  toText(): string {
    if (!this.#isChanged) return this.#before;
    // With a comment above a line `---` rancherd takes the comment for all of the file.
    const { commentBefore, directives } = this.#document;
    if (typeof commentBefore === "string" && directives !== undefined) directives.docStart = null;
    let text: string;
    let read: unknown;
    try {
      text = this.#document.toString({ lineWidth: 0 });
      read = parseGoYaml(text);
    } catch (cause) {
      throw unreadable("rancherd's configuration cannot be written again with its anchors and aliases", cause);
    }
    if (isSameValue(read, this.#wanted)) return text;
    throw unreadable("rancherd's configuration cannot be written without changing what people have set in it");
  }

  /** A document of comments, or of `null`, has these comments at the value that it lacks. */
  #beginIfEmpty(): void {
    const { contents } = this.#document;
    if (contents !== null && !(isScalar(contents) && contents.value === null)) return;
    const comments = [this.#document.commentBefore, contents?.commentBefore, contents?.comment];
    const theirs = comments.filter((comment) => typeof comment === "string");
    this.#document.contents = this.#document.createNode({});
    this.#document.commentBefore = theirs.length === 0 ? HEAD : theirs.join("\n");
  }

  #root(): YAMLMap {
    const { contents } = this.#document;
    if (isMapNode(contents)) return contents;
    throw unreadable("rancherd's configuration is not a map");
  }

  #mapBelow(map: YAMLMap, path: readonly string[]): YAMLMap {
    const key = path.at(-1) ?? "";
    this.#freeAliases(map);
    const node = pairOf(map, key)?.value;
    if (isMapNode(node)) return node;
    const shared = isAlias(node) ? node.resolve(this.#document) : undefined;
    const copy = shared === undefined ? undefined : copyOf(shared);
    // A key without a value, or one whose values a merge has brought.
    const value = valueAt(this.#wanted, path);
    const made = isMapNode(copy) ? copy : this.#document.createNode(isMap(value) ? { ...value } : {});
    put(map, key, made);
    return made;
  }

  /** Aliases of a map in which something is changed, or of what is in a value that goes, get what they stand for themselves. */
  #freeAliases(map: YAMLMap, replaced?: unknown): void {
    const changed = new Set<Node>(map.anchor === undefined ? [] : [map]);
    if (isNode(replaced)) {
      visit(replaced, {
        Value: (_key, node) => {
          if (node.anchor !== undefined) changed.add(node);
        },
      });
    }
    if (changed.size === 0) return;
    visit(this.#document, {
      Alias: (_key, alias) => {
        const node = alias.resolve(this.#document);
        return node !== undefined && changed.has(node) ? copyOf(node) : undefined;
      },
    });
  }
}

function put(map: YAMLMap, key: string, value: YAMLMap["items"][number]["value"]): void {
  const pair = pairOf(map, key);
  if (pair === undefined) map.set(key, value);
  else {
    const comment = isScalar(pair.value) ? pair.value.comment : undefined;
    if (isScalar(value) && typeof comment === "string") value.comment = comment;
    pair.value = value;
  }
}

/** Of a key that is there twice, the one that counts. */
function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.findLast((pair) => textOf(pair.key) === key);
}

/** Without anchors: they belong to what it is a copy of. */
function copyOf(node: Node): Node {
  const copy: unknown = node.clone();
  if (!isNode(copy)) return node;
  visit(copy, { Value: (_key, inner) => void delete inner.anchor });
  return copy;
}

/** A key as rancherd gets it, as JSON: 0x10 is "16". */
function textOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  const { value } = key;
  if (value === null) return "";
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

/** What nobody changes is written as it was read: 0644 and yes, not 420 and true. */
function keepingWords(tag: ScalarTag | CollectionTag | Extract<Tags[number], string>): typeof tag {
  if (typeof tag === "string" || tag.collection !== undefined) return tag;
  const { stringify } = tag;
  if (stringify === undefined) return tag;
  if (tag.tag === "tag:yaml.org,2002:str") return { ...tag, stringify: readableForGo(stringify) };
  return {
    ...tag,
    stringify: (item, ...context) =>
      item.type === Scalar.PLAIN && item.source !== undefined ? item.source : stringify(item, ...context),
  };
}

function readableForGo(stringify: NonNullable<ScalarTag["stringify"]>): typeof stringify {
  return (item, ...context) => {
    if (typeof item.value !== "string" || !hasUnspelled(item.value)) return stringify(item, ...context);
    const quoted = new Scalar(item.value);
    quoted.type = Scalar.QUOTE_DOUBLE;
    return spellCharacters(stringify(quoted, ...context));
  };
}

function readValues(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseGoYaml(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be read";
    throw unreadable(`rancherd's configuration is none: ${why}`, cause);
  }
  if (value === null || value === undefined) return {};
  if (!isMap(value)) throw unreadable("rancherd's configuration is not a map");
  return value;
}

/** What stands below would be taken for what rancherd reads, and for somebody's own. */
function requireOneDocument(text: string): void {
  const [first = "", ...others] = splitDocuments(text);
  if (others.length === 0) return;
  const line = first.split("\n").length;
  throw unreadable(
    `rancherd reads its configuration no further than line ${line}, a line of --- only, and nothing can be written beside ` +
      "what stands below it: take out that line, or all that is below it",
  );
}

function unreadable(message: string, cause?: unknown): RancherdError {
  return new RancherdError("RANCHERD_CONFIG_UNREADABLE", message, { cause });
}
