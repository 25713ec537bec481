/**
 * testdata/fields.jsonl: single structures with what dmidecode says of each. A line is a structure, or a variant of the
 * last structure with what changes in dmidecode's words; null takes a title or a key away.
 */
import { readFileSync } from "node:fs";

export interface FieldVector {
  readonly type: number;
  readonly version: readonly [major: number, minor: number];
  /** The formatted area behind the header, in hexadecimal. */
  readonly body: string;
  readonly strings: readonly string[];
  /** By title, as dmidecode-text.ts reads it. */
  readonly says: Entries;
}

type Entries = Readonly<Record<string, unknown>>;

export function readFieldVectors(): readonly FieldVector[] {
  const text = readFileSync(new URL("testdata/fields.jsonl", import.meta.url), "utf8");
  const [, ...lines] = text.trimEnd().split("\n");
  let structure: Entries = {};
  return lines.map((line) => {
    const { changes, ...told } = entriesOf(JSON.parse(line));
    if (changes === undefined) structure = told;
    return vectorOf({ ...structure, ...told }, entriesOf(changes ?? {}));
  });
}

function vectorOf(told: Entries, changes: Entries): FieldVector {
  const { type, version, body, strings, says } = told;
  const [major, minor] = Array.isArray(version) ? version.map(Number) : [];
  if (major === undefined || minor === undefined || typeof body !== "string" || !Array.isArray(strings)) {
    throw new Error(`not a vector: ${JSON.stringify(told)}`);
  }
  return {
    type: Number(type),
    version: [major, minor],
    body,
    strings: strings.map(String),
    says: changed(says, changes),
  };
}

function changed(says: unknown, changes: Entries): Entries {
  const before = entriesOf(says);
  const sections = Object.entries(changes).map(([title, change]) => [
    title,
    change === null ? null : withoutNulls({ ...entriesOf(before[title] ?? {}), ...entriesOf(change) }),
  ]);
  return withoutNulls({ ...before, ...entriesOf(Object.fromEntries(sections)) });
}

function withoutNulls(entries: Entries): Entries {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== null));
}

function entriesOf(value: unknown): Entries {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return Object.fromEntries(Object.entries(value));
}
