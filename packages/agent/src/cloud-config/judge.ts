/** Collects what is wrong, and reads fields of maps with it. */
import { closest } from "../spelling/index.ts";
import { below, type Finding, type Located, type Position } from "./located.ts";

/** Reads one value, and says what is wrong with it to the judge. @returns undefined for what is wrong */
export type Reader<T> = (judge: Judge, node: Located, path: string) => T | undefined;

export class Judge {
  readonly #findings: Finding[] = [];

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  error(at: Position, path: string, sentence: string): undefined {
    this.#say("error", at, path, sentence);
  }

  warn(at: Position, path: string, sentence: string): undefined {
    this.#say("warning", at, path, sentence);
  }

  #say(severity: Finding["severity"], { line, column }: Position, path: string, sentence: string): void {
    this.#findings.push({ severity, line, column, path, sentence });
  }
}

/**
 * Reads a map by a table of its keys; a key that is not in it is warned about by its name.
 * @returns undefined where it is no map
 */
export function readMap(
  judge: Judge,
  node: Located,
  path: string,
  fields: Readonly<Record<string, (value: Located, path: string) => void>>,
): true | undefined {
  if (node.kind !== "map") return judge.error(node.at, path, `${name(path)} has to be a map`);
  for (const [key, { keyAt, value }] of node.entries) {
    const inner = below(path, key);
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    // A key without a value says nothing.
    if (field !== undefined) {
      if (!isNull(value)) field(value, inner);
    } else judge.warn(keyAt, inner, unknownKey(key, Object.keys(fields)));
  }
  return true;
}

function unknownKey(key: string, known: readonly string[]): string {
  const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key);
  const meant = closest(key.slice(0, 60), known);
  return `there is no key ${shown}; it is left out${meant === undefined ? "" : `. Did you mean ${meant}?`}`;
}

export const text: Reader<string> = (judge, node, path) => {
  if (node.kind === "scalar" && node.value !== null && !(node.value instanceof Uint8Array)) return node.source;
  return judge.error(node.at, path, `${name(path)} has to be a text`);
};

export const flag: Reader<boolean> = (judge, node, path) => {
  const word = node.kind === "scalar" ? node.source.toLowerCase() : "";
  if (["true", "yes", "on"].includes(word)) return true;
  if (["false", "no", "off"].includes(word)) return false;
  return judge.error(node.at, path, `${name(path)} has to be true or false`);
};

/** A text that a pattern allows. @param what  what it has to be, for the sentence */
export function textLike(pattern: RegExp, what: string): Reader<string> {
  return (judge, node, path) => {
    const read = text(judge, node, path);
    if (read === undefined || pattern.test(read)) return read;
    return judge.error(node.at, path, `${name(path)} has to be ${what}`);
  };
}

/** Each item on its own: a wrong one does not hide the others. */
export function listOf<T>(item: Reader<T>): Reader<readonly T[]> {
  return (judge, node, path) => {
    if (node.kind !== "list") return judge.error(node.at, path, `${name(path)} has to be a list`);
    return node.items.flatMap((inner, index) => {
      const read = item(judge, inner, below(path, index));
      return read === undefined ? [] : [read];
    });
  };
}

export function isNull(node: Located): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** For sentences. */
export function name(path: string): string {
  return path === "" ? "the document" : path;
}
