/** From bytes to located values: bounded, one document, every mistake with its place. */
import { LineCounter, parseAllDocuments, type Document, type YAMLError } from "yaml";

import { CONFIG_MAX_BYTES } from "./limits.ts";
import type { Finding, Located, Position } from "./located.ts";
import { locate } from "./locate.ts";
import { findExcess } from "./nesting.ts";

export interface ReadDocument {
  /** undefined where there are errors. */
  readonly root: Located | undefined;
  readonly findings: readonly Finding[];
}

/** What is wrong, in our words: the parser's own quote the text, which may hold secrets. Source: yaml, docs/08_errors.md */
const SENTENCES: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) must not have an anchor or a tag",
  BAD_ALIAS: "the alias (*name) is malformed",
  BAD_DIRECTIVE: "the directive (%) is malformed",
  BAD_DQ_ESCAPE: "unknown escape in a text in double quotes",
  BAD_INDENT: "the indentation does not fit to the lines above",
  BAD_PROP_ORDER: "anchors and tags must stand before the - or : of what they mark",
  BAD_SCALAR_START: "a text without quotes must not begin with this character",
  BLOCK_AS_IMPLICIT_KEY: "a map begins in the midst of a line: is there a colon too many, or a text that needs quotes?",
  BLOCK_IN_FLOW: "indented maps and lists must not stand within { } or [ ]",
  IMPOSSIBLE: "this is no YAML",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a character is missing: a closing quote, bracket, colon or comma",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line",
  MULTIPLE_ANCHORS: "a value has more than one anchor",
  MULTIPLE_DOCS: "a second document begins here",
  MULTIPLE_TAGS: "a value has more than one tag",
  NON_STRING_KEY: "a key must be a text",
  TAB_AS_INDENT: "a tab is used as indentation: YAML wants spaces",
  TAG_RESOLVE_FAILED: "the tag (!) of this value is not known",
  UNEXPECTED_TOKEN: "this does not belong here",
};

export function readDocument(bytes: Uint8Array): ReadDocument {
  if (bytes.byteLength > CONFIG_MAX_BYTES) {
    const sentence = `the document has ${bytes.byteLength} bytes; more than ${CONFIG_MAX_BYTES} are not read`;
    return failed(placeOfByte(bytes, CONFIG_MAX_BYTES), sentence);
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1) return failed(placeOfByte(bytes, nul), "there is a NUL byte: this is no text");
  const text = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  const broken = firstBrokenByte(bytes);
  if (broken !== undefined) return failed(placeOfByte(bytes, broken), "there is a byte that is not UTF-8");
  return readText(text);
}

function readText(text: string): ReadDocument {
  const lines = new LineCounter();
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const excess = findExcess(text, lines);
  if (excess !== undefined) return failed(place(excess.offset), excess.sentence);
  const parsed = parseAllDocuments(text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    logLevel: "silent",
    customTags: ["binary"],
    // Looked for while values are located: the parser compares each key with all others.
    uniqueKeys: false,
  });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const findings = documents
    .flatMap(({ errors, warnings }) => [...errors, ...warnings])
    .map((problem) => problemOf(problem, place));
  const [document, second] = documents;
  if (second !== undefined) {
    findings.push({
      severity: "error",
      path: "",
      ...place(second.range?.[0] ?? 0),
      sentence: "a second document begins here: one is read",
    });
  }
  if (findings.some(({ severity }) => severity === "error")) return { root: undefined, findings };
  if (document?.contents === null || document === undefined) {
    return failed({ line: 1, column: 1 }, "the document is empty");
  }
  const located = locate(document, place);
  return { root: located.root, findings: [...findings, ...located.findings] };
}

function problemOf(problem: YAMLError, place: (offset: number) => Position): Finding {
  const sentence = SENTENCES[problem.code] ?? "this is no YAML";
  // A tag that nobody knows is left out by the parser with a warning, and with it the meaning of the value.
  return { severity: "error", path: "", ...place(problem.pos[0]), sentence };
}

function failed(at: Position, sentence: string): ReadDocument {
  return { root: undefined, findings: [{ severity: "error", path: "", ...at, sentence }] };
}

/** What is not UTF-8 is decoded to U+FFFD, and encodes to other bytes. */
function firstBrokenByte(bytes: Uint8Array): number | undefined {
  const again = Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  if (again.equals(bytes)) return undefined;
  const index = bytes.findIndex((byte, position) => again[position] !== byte);
  return index === -1 ? 0 : index;
}

function placeOfByte(bytes: Uint8Array, offset: number): Position {
  const before = Buffer.from(bytes.buffer, bytes.byteOffset, offset).toString("utf8");
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let index = before.indexOf("\n"); index !== -1; index = before.indexOf("\n", index + 1)) line++;
  return { line, column: before.length - lineStart + 1 };
}
