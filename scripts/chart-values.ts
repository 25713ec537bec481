/** What is made of the chart's values.schema.json: values.yaml and the table of values in the documentation. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";

const SCHEMA = fileURLToPath(new URL("../charts/rancheros-operator/values.schema.json", import.meta.url));
const LINE = 118;

interface ValueSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly definitions?: Readonly<Record<string, ValueSchema>>;
}

/** One value that can be set, and where it is. */
interface Leaf {
  readonly path: readonly string[];
  readonly type: string;
  readonly fallback: unknown;
  readonly description: string;
}

function readSchema(): ValueSchema {
  return JSON.parse(readFileSync(SCHEMA, "utf8")) as ValueSchema;
}

function typeOf(root: ValueSchema, schema: ValueSchema): string {
  if (schema.$ref !== undefined) {
    return typeOf(root, root.definitions?.[path.posix.basename(schema.$ref)] ?? {});
  }
  if (schema.enum !== undefined) return schema.enum.map((one) => (one === "" ? '""' : one)).join(", ");
  return [schema.type ?? "any"].flat().join(" or ");
}

/** `global` is helm's own, and has no default. */
function leavesOf(root: ValueSchema, schema: ValueSchema, at: readonly string[] = []): readonly Leaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]): readonly Leaf[] => {
    const here = [...at, name];
    if (value.properties !== undefined) return leavesOf(root, value, here);
    if (value.default === undefined) return [];
    const { default: fallback, description = "" } = value;
    return [{ path: here, type: typeOf(root, value), fallback, description }];
  });
}

/** Words in lines of a comment. */
function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && indent.length + last.length + word.length + 3 <= LINE) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.map((line) => `${indent}# ${line}\n`).join("");
}

function valuesOf(schema: ValueSchema, indent: string): string {
  const parts = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const { default: fallback, description = "", properties } = value;
    if (properties !== undefined) {
      return [`${comment(description, indent)}${indent}${name}:\n${valuesOf(value, `${indent}  `)}`];
    }
    if (fallback === undefined) return [];
    const text = stringify({ [name]: fallback }, { lineWidth: 0 }).trimEnd();
    const lines = text.split("\n").map((line) => `${indent}${line}\n`);
    return [`${comment(description, indent)}${lines.join("")}`];
  });
  return parts.join(indent === "" ? "\n" : "");
}

/** charts/rancheros-operator/values.yaml: every value at its default, with what it is for. */
export function chartValuesYaml(): string {
  return `# Written by scripts/generate-docs.ts from values.schema.json; change that instead.\n\n${valuesOf(readSchema(), "")}`;
}

/** Rows of the table of values: name, type, default, what it is for. */
export function chartValuesRows(): readonly (readonly [string, string, string, string])[] {
  const root = readSchema();
  return leavesOf(root, root).map(({ path: at, type, fallback, description }) => [
    `\`${at.join(".")}\``,
    type,
    `\`${JSON.stringify(fallback)}\``,
    description,
  ]);
}
