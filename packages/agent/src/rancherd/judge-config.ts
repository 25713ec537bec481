/** What is odd about a merged configuration: keys that rancherd does not know, values that end it. */
import { closest } from "../spelling/index.ts";
import { KNOWN_KEYS, knownKey, type KeyShape } from "./known-keys.ts";
import type { OriginMap, OriginNode } from "./origin-tree.ts";

export interface ConfigRemark {
  /** `fatal`: rancherd ends with an error and tries again for ever. */
  readonly kind: "fatal" | "warning";
  readonly key: string;
  readonly origin: string;
  /** Never with a value. */
  readonly sentence: string;
}

export function judgeConfig(config: OriginMap): readonly ConfigRemark[] {
  return [...config.entries].flatMap(([key, node]) => {
    const known = knownKey(key);
    const origin = node.origin;
    if (known === undefined) return [{ kind: "warning", key, origin, sentence: unknownSentence(key) } as const];
    const remarks: ConfigRemark[] = [];
    if (known !== key) remarks.push({ kind: "warning", key, origin, sentence: `${key} is read as ${known}` });
    const shape = KNOWN_KEYS[known];
    if (shape !== undefined && !fits(node, shape)) {
      remarks.push({ kind: "fatal", key, origin, sentence: `${key} has to be ${SHAPE_WORDS[shape]}` });
    }
    return remarks;
  });
}

function unknownSentence(key: string): string {
  const meant = closest(key, Object.keys(KNOWN_KEYS));
  return meant === undefined ? `rancherd knows no key ${key}` : `rancherd knows no key ${key}; did you mean ${meant}?`;
}

const SHAPE_WORDS: Readonly<Record<KeyShape, string>> = {
  text: "a text",
  texts: "a list of texts",
  map: "a map",
  maps: "a list of maps",
};

/** JSON's null is taken for anything by Go. */
function fits(node: OriginNode, shape: KeyShape): boolean {
  if (isNull(node)) return true;
  if (shape === "text") return isText(node);
  if (shape === "map") return node.kind === "map";
  const fitsItem = shape === "texts" ? isText : (item: OriginNode): boolean => item.kind === "map";
  return node.kind === "list" && node.items.every((item) => fitsItem(item) || isNull(item));
}

function isNull(node: OriginNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

function isText(node: OriginNode): boolean {
  return node.kind === "scalar" && typeof node.value === "string";
}
