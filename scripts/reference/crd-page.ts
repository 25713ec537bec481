/** The reference of one kind, made of its CustomResourceDefinition. */
import type { Crd, CrdColumn, FieldSchema } from "./crd-schema.ts";
import { alignedTable, cell } from "./markdown-table.ts";

/** An object with fields of its own, and where it stands in the document. */
interface Section {
  readonly path: string;
  readonly schema: FieldSchema;
}

/**
 * @param example  a whole object as YAML, which the API server takes; undefined: the page shows none
 * @param note     the line that says where the page comes from
 */
export function crdPage(crd: Crd, example: string | undefined, note: string): string {
  const { group, scope, names, versions } = crd.spec;
  const [version] = versions;
  if (version === undefined) throw new Error(`${names.kind} has no version`);
  const root = version.schema.openAPIV3Schema;
  const short = (names.shortNames ?? []).map((name) => `\`${name}\``).join(", ");
  const facts = [
    `- **apiVersion**: \`${group}/${version.name}\``,
    `- **kubectl**: \`${names.plural}\`${short === "" ? "" : `, short ${short}`}`,
    `- **scope**: ${scope === "Namespaced" ? "in a namespace" : "the whole cluster"}`,
  ];
  const sections = ["spec", "status"].flatMap((name) => {
    const schema = root.properties?.[name];
    return schema === undefined ? [] : sectionsOf({ path: name, schema });
  });
  const parts = [
    `# ${names.kind}`,
    note,
    cell(root.description ?? ""),
    facts.join("\n"),
    example === undefined ? "" : `\`\`\`yaml\n${example.trimEnd()}\n\`\`\``,
    `\`kubectl explain ${names.singular}.spec --recursive\` tells the same from your cluster.`,
    ...sections.map((section) => sectionText(section, root)),
    columnsText(version.additionalPrinterColumns ?? []),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** The object below a field that gets a section: the field itself, or what stands in its list or map. */
function objectOf(schema: FieldSchema): { readonly schema: FieldSchema; readonly suffix: string } | undefined {
  if (schema.properties !== undefined) return { schema, suffix: "" };
  const inner = schema.items ?? schema.additionalProperties;
  const found = inner === undefined ? undefined : objectOf(inner);
  if (found === undefined) return undefined;
  return { schema: found.schema, suffix: `${schema.items === undefined ? ".*" : "[]"}${found.suffix}` };
}

/** `conditions` are Kubernetes' own, and told in one line; of two names of one field, one is enough. */
function sectionOf(name: string, field: FieldSchema): ReturnType<typeof objectOf> {
  const isAlias = field.description?.startsWith("Another name of ") ?? false;
  return isAlias || name === "conditions" ? undefined : objectOf(field);
}

function sectionsOf(section: Section): readonly Section[] {
  const below = Object.entries(section.schema.properties ?? {}).flatMap(([name, field]) => {
    const found = sectionOf(name, field);
    if (found === undefined) return [];
    return sectionsOf({ path: `${section.path}.${name}${found.suffix}`, schema: found.schema });
  });
  return [section, ...below];
}

function sectionText({ path, schema }: Section, root: FieldSchema): string {
  const isTop = !path.includes(".");
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    `\`${name}\``,
    typeOf(field),
    describe(path, name, field, required.has(name)),
  ]);
  const rules = (schema["x-kubernetes-validations"] ?? []).map(({ message = "" }) => `- ${cell(message)}`);
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true ? "Further fields are kept as they are." : "";
  const parts = [
    `${isTop ? "##" : "###"} ${path}`,
    [
      isTop && (root.required ?? []).includes(path) ? "**Required.**" : "",
      cell(schema.description ?? ""),
      isTop && path === "status" ? "Written by the operator." : "",
    ]
      .filter((sentence) => sentence !== "")
      .join(" "),
    alignedTable(["field", "type", "what it is"], rows),
    rules.length === 0 ? "" : `The API server refuses an object with these words:\n\n${rules.join("\n")}`,
    open,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function typeOf(schema: FieldSchema): string {
  if (schema["x-kubernetes-int-or-string"] === true) return "number or string";
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.format === "date-time") return "time";
  if (schema.type === "integer") return "number";
  return schema.type ?? "anything";
}

function describe(path: string, name: string, field: FieldSchema, isRequired: boolean): string {
  const found = sectionOf(name, field);
  const target = `${path}.${name}${found?.suffix ?? ""}`;
  const sentences = [
    isRequired ? "**Required.**" : "",
    cell(field.description ?? ""),
    ...limits(field),
    ...(field.items === undefined ? [] : limits(field.items)),
    found === undefined ? "" : `See [${target}](#${anchorOf(target)}).`,
    ...(found?.schema === field ? [] : (field["x-kubernetes-validations"] ?? [])).map(
      ({ message = "" }) => `Refused otherwise: *${cell(message)}*.`,
    ),
  ];
  return sentences.filter((sentence) => sentence !== "").join(" ");
}

/** As GitHub makes an anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}

function limits(field: FieldSchema): readonly string[] {
  const { minimum, maximum, minLength, maxLength, maxItems, maxProperties } = field;
  const said = [
    field.enum === undefined ? "" : `One of ${field.enum.map((one) => `\`${one}\``).join(", ")}.`,
    minimum === undefined ? "" : `At least ${minimum}.`,
    maximum === undefined ? "" : `At most ${maximum}.`,
    minLength === undefined ? "" : `At least ${characters(minLength)}.`,
    maxLength === undefined ? "" : `At most ${characters(maxLength)}.`,
    maxItems === undefined ? "" : `At most ${maxItems} entries.`,
    maxProperties === undefined ? "" : `At most ${maxProperties} keys.`,
    field.pattern === undefined ? "" : `Matches \`${field.pattern.replaceAll("|", "\\|")}\`.`,
  ];
  return said.filter((sentence) => sentence !== "");
}

function characters(count: number): string {
  return count === 1 ? "1 character" : `${count} characters`;
}

function columnsText(columns: readonly CrdColumn[]): string {
  if (columns.length === 0) return "";
  const rows = columns.map(({ name, description, priority = 0 }) => [
    name.toUpperCase(),
    priority === 0 ? "" : "with `-o wide`",
    cell(description),
  ]);
  return `## Columns of kubectl get\n\n${alignedTable(["column", "shown", "what it tells"], rows)}`;
}
