/** YAML as rancherd reads it: YAML 1.1 through Go's yaml.v2, of which the first document counts. */
import { isScalar, parseDocument, Scalar, visit, type Document, type ScalarTag, type Tags } from "yaml";

import { placeOfRefused } from "./control-characters.ts";
import { NUMBERS_BY_TAG, numbersLikeGo } from "./go-numbers.ts";

/** Honest configurations have few; a few hundred can blow up to gigabytes. */
const MAX_ALIASES = 100;

/**
 * @param text  of one file
 * @returns     what rancherd gets as JSON; null for an empty document
 * @throws Error with a sentence and a place, and nothing of the text: it may hold secrets
 * Source: wrangler pkg/yaml Unmarshal, apimachinery pkg/util/yaml YAMLReader
 */
export function parseGoYaml(text: string): unknown {
  return parseOne(splitDocuments(text)[0] ?? "");
}

/** All documents of a file, as rancherd reads manifests. @throws as parseGoYaml */
export function parseGoYamlStream(text: string): readonly unknown[] {
  return splitDocuments(text).map(parseOne);
}

/**
 * Documents end at a line that is `---` and nothing else, wherever it stands: with a comment above the first such line,
 * that comment is a document, and the first one. Such a line at the very beginning is part of what is below it.
 * Source: apimachinery pkg/util/yaml YAMLReader
 */
export function splitDocuments(text: string): readonly string[] {
  const documents: string[] = [];
  let current = "";
  for (const line of text.split(/(?<=\n)/)) {
    if (current === "" || !/^---\s*$/.test(line)) current += line;
    else {
      documents.push(current);
      current = "";
    }
  }
  if (current !== "") documents.push(current);
  return documents;
}

function parseOne(text: string): unknown {
  const document = parseDocument(text, {
    version: "1.1",
    uniqueKeys: false,
    customTags: (tags) => readLikeGo(likeGo(tags)),
    prettyErrors: false,
    logLevel: "silent",
  });
  // Warned of are tags that say nothing to Go: those that it does not know, and all of maps and lists.
  const [problem] = document.errors;
  if (problem !== undefined) throw new Error(`it is not YAML: ${problem.code} ${placeIn(text, problem.pos[0])}`);
  const refused = placeOfRefused(text);
  if (refused !== undefined) throw new Error(`it is not YAML: a control character ${placeIn(text, refused)}`);
  const endless = placeOfEndless(document);
  if (endless !== undefined) {
    throw new Error(`it has a number that JSON does not know (.inf, .nan) ${placeIn(text, endless)}`);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return value;
  } catch {
    throw new Error("its aliases cannot be resolved, or are too many");
  }
}

/** yaml.v2 knows no numbers on base 60 (`12:30:45`), leaves times as text, and has its own numbers. */
export function likeGo(tags: Tags): Tags {
  const known = tags.filter((tag) => typeof tag === "string" || (!isBase60(tag) && !isTimestamp(tag.tag)));
  return numbersLikeGo(known);
}

/** Of what is read only: what is written keeps its own words. To Go the tags of maps and lists say nothing. */
function readLikeGo(tags: Tags): Tags {
  const known = tags.filter((tag) => typeof tag === "string" || isForScalars(tag)).map(mergeLikeGo);
  return [...NUMBERS_BY_TAG, BINARY, TIMESTAMP, NULL, BOOL, ...known];
}

function mergeLikeGo(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string") return tag;
  return tag.tag === "tag:yaml.org,2002:merge" && isForScalars(tag) ? mergingInTurn(tag) : tag;
}

function isForScalars(tag: Exclude<Tags[number], string>): tag is ScalarTag {
  return tag.collection === undefined;
}

/** yaml.v2 merges where the `<<` stands: what is above it counts less, where YAML's own rule has all of the map count more. */
function mergingInTurn(tag: ScalarTag): ScalarTag {
  return {
    ...tag,
    resolve(...given) {
      const key: unknown = tag.resolve(...given);
      if (!(key instanceof Scalar) || key.addToJSMap === undefined) return key;
      const merge = key.addToJSMap;
      key.addToJSMap = (context, map, value) => {
        const merged = new Map<unknown, unknown>();
        merge(context, merged, value);
        for (const [name, one] of merged) put(map, name, one);
      };
      return key;
    },
  };
}

function put(map: object, key: unknown, value: unknown): void {
  if (map instanceof Map) map.set(key, value);
  else if (map instanceof Set) map.add(key);
  else Object.defineProperty(map, String(key), { value, writable: true, enumerable: true, configurable: true });
}

/** Text for Go, which refuses what is no time. Source: yaml.v2 resolve.go, allowedTimestampFormats */
const TIMESTAMP: ScalarTag = {
  identify: () => false,
  tag: "tag:yaml.org,2002:timestamp",
  resolve(text, onError) {
    const [, year, month, day] = TIME.exec(text) ?? [];
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    if (date.getUTCMonth() + 1 !== Number(month)) onError("no time");
    return text;
  },
};
const CLOCK = String.raw`(?:[01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(?:\.\d+)?`;
const TIME = new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})(?: ${CLOCK}|[Tt]${CLOCK}(?:Z|[+-]\d\d:\d\d))?$`);

/** Go's text of the bytes; what is no UTF-8 in it becomes U+FFFD on the way into JSON. */
const BINARY: ScalarTag = {
  identify: () => false,
  tag: "tag:yaml.org,2002:binary",
  resolve(text, onError) {
    const base64 = text.replaceAll(/[\r\n]/g, "");
    if (!isBase64(base64)) onError("no base64");
    return Buffer.from(base64, "base64").toString("utf8");
  },
};

/** Source: Go encoding/base64, StdEncoding: padded, nothing else in it */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

const NULL = oneOf("null", [[null, /^(?:~|null|Null|NULL)?$/]]);
const BOOL = oneOf("bool", [
  [true, /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/],
  [false, /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/],
]);

/** The parser would go on with the text where it does not fit to the tag. */
function oneOf(name: string, words: readonly (readonly [value: unknown, words: RegExp])[]): ScalarTag {
  return {
    identify: () => false,
    tag: `tag:yaml.org,2002:${name}`,
    resolve(text, onError) {
      const found = words.find(([, one]) => one.test(text));
      if (found === undefined) onError(`no ${name}`);
      return found?.[0];
    },
  };
}

function placeOfEndless(document: Document): number | undefined {
  let found: number | undefined;
  visit(document, {
    Scalar(_key, node) {
      if (!isScalar(node) || typeof node.value !== "number" || Number.isFinite(node.value)) return undefined;
      found = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return found;
}

function isBase60(tag: object): boolean {
  return "format" in tag && tag.format === "TIME";
}

function isTimestamp(tag: string): boolean {
  return tag === "tag:yaml.org,2002:timestamp";
}

function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
