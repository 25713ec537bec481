/** Values of the chart with one word in all places that take it, as its schema says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { CHART } from "./helm.ts";

/** Each can be the name of an object; all but the first are something else than text where YAML has them without quotes. */
export const WORDS = ["word", "1234", "no", "null"] as const;
export type Word = (typeof WORDS)[number];

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

const SCHEMA = JSON.parse(readFileSync(path.join(CHART, "values.schema.json"), "utf8")) as Schema;

function takesWords({ enum: among, pattern = "" }: Schema): boolean {
  return among === undefined && WORDS.every((word) => new RegExp(pattern).test(word));
}

function fieldsWith({ properties = {}, additionalProperties, required = [] }: Schema, word: Word): unknown {
  const free = typeof additionalProperties === "object" ? { "example.com/free": additionalProperties } : {};
  const fields = Object.entries({ ...properties, ...free }).flatMap(([key, schema]) => {
    const value = valueWith(schema, word);
    return value === undefined ? [] : [[key, value] as const];
  });
  const isWhole = required.every((name) => fields.some(([key]) => key === name));
  return isWhole && fields.length > 0 ? Object.fromEntries(fields) : undefined;
}

/** Undefined where no part of it takes words. */
function valueWith(schema: Schema, word: Word): unknown {
  const { $ref, type, items = {} } = schema;
  if ($ref !== undefined) return valueWith(SCHEMA.definitions?.[$ref.replace("#/definitions/", "")] ?? {}, word);
  if (type === "string") return takesWords(schema) ? word : undefined;
  if (type === "object") return fieldsWith(schema, word);
  const item = type === "array" ? valueWith(items, word) : undefined;
  return item === undefined ? undefined : [item];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merged(below: unknown, above: unknown): unknown {
  if (!isFields(below) || !isFields(above)) return above;
  const entries = Object.entries(above).map(([key, value]) => [key, merged(below[key], value)]);
  return { ...below, ...(Object.fromEntries(entries) as object) };
}

/**
 * @param values  what else is set
 * @param except  what wins over the word
 */
export function wordedValues(values: object, word: Word, except: object): object {
  return [valueWith(SCHEMA, word), except].reduce(merged, values) as object;
}
