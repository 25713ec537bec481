/** The generated reference leaves nothing out, and what it links to is there. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../packages/cli/src/command-table.ts";
import { crdsYaml } from "../../../packages/operator/src/crds.ts";
import { OPERATOR_COMMANDS } from "../../../packages/operator/src/help.ts";
import type { Crd, FieldSchema } from "../../../scripts/reference/crd-schema.ts";

const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));
const CRDS = parseAllDocuments(crdsYaml()).map((document) => document.toJS() as Crd);

function read(name: string): string {
  return readFileSync(path.join(DOCS, name), "utf8");
}

function headings(page: string): readonly string[] {
  return [...page.matchAll(/^#{1,6} (.*)$/gm)].map((match) => match[1] ?? "");
}

/** Names of all fields below a schema, but those that are another name of a field or Kubernetes' own. */
function fieldNames(schema: FieldSchema | undefined): readonly string[] {
  if (schema === undefined) return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    name === "conditions" || field.description?.startsWith("Another name of ") ? [name] : [name, ...fieldNames(field)],
  );
  return [...own, ...fieldNames(schema.items), ...fieldNames(schema.additionalProperties)];
}

describe.each(CRDS.map((crd) => [crd.spec.names.plural, crd] as const))("docs/reference/%s.md", (plural, crd) => {
  const page = read(`reference/${plural}.md`);
  const root = crd.spec.versions[0]?.schema.openAPIV3Schema;

  it("names every field of the schema, however deep", () => {
    const names = ["spec", "status"].flatMap((part) => fieldNames(root?.properties?.[part]));
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !page.includes(`\n| \`${name}\` `))).toEqual([]);
  });

  it("has a section for each link into itself, and every section's name once", () => {
    const anchors = headings(page).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? "");
    expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
    expect(anchors.filter((anchor, index) => anchors.indexOf(anchor) !== index)).toEqual([]);
  });

  it("has every column of kubectl get", () => {
    const columns = crd.spec.versions[0]?.additionalPrinterColumns ?? [];
    expect(columns.filter(({ name }) => !page.includes(`\n| ${name.toUpperCase()} `))).toEqual([]);
  });
});

describe("docs/reference/ros-agent.md", () => {
  it("has every command with its flags", async () => {
    const page = read("reference/ros-agent.md");
    for (const [name, load] of Object.entries(COMMANDS)) {
      const text = page.split(`\n## ros-agent ${name}\n`)[1]?.split("\n## ")[0] ?? "";
      const flags = Object.keys((await load()).flags);
      expect([name, flags.filter((flag) => !text.includes(`--${flag}`))]).toEqual([name, []]);
    }
  });
});

describe("docs/reference/rancheros-operator.md", () => {
  it("has every way to call it, and leads to the settings", () => {
    const page = read("reference/rancheros-operator.md");
    expect(OPERATOR_COMMANDS.filter(([usage]) => !page.includes(`| \`${usage}\` `))).toEqual([]);
    expect(page).toContain("](../settings.md#the-operator)");
  });
});

describe("docs/errors.md", () => {
  it("has one heading for each code, so that a link to a code leads to one place", () => {
    const found = headings(read("errors.md")).filter((heading) => /^[A-Z][A-Z0-9_]+$/.test(heading));
    expect(found.length).toBeGreaterThan(200);
    expect(found.filter((code, index) => found.indexOf(code) !== index)).toEqual([]);
  });

  it("knows the code that each link of another page is about", () => {
    const known = new Set(headings(read("errors.md")).map((heading) => heading.toLowerCase().replaceAll(" ", "-")));
    const pages = readdirSync(DOCS).filter((name) => name.endsWith(".md"));
    const links = pages.flatMap((name) =>
      [...read(name).matchAll(/errors\.md#([a-z0-9_-]+)/g)].map((match) => match[1]),
    );
    expect(links.filter((link) => link?.includes("_") && !known.has(link))).toEqual([]);
  });
});
