/** Every object that the documentation shows is one that the real API server takes, with no field that it does not know. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { kubectl } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";

const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));
const GROUP = "rancheros.cattle.io/";
const target = inject("controlPlane");
const namespace = useNamespace(target, "documented");

interface Shown {
  readonly where: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** Blocks of YAML, and documents that a shell command is given. */
function objectsOf(page: string, text: string): readonly Shown[] {
  const blocks = [...text.matchAll(/^( *)```ya?ml\n([^]*?)^\1```/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  const given = [...text.matchAll(/<<'EOF'\n([^]*?)\nEOF/g)].map(([, block = ""]) => block);
  return [...blocks, ...given]
    .flatMap((block) => parseAllDocuments(block).map((document) => document.toJS() as unknown))
    .filter((object) => isOurs(object))
    .map((object) => ({ where: `${page}: ${String(object["kind"])}`, object }));
}

function isOurs(object: unknown): object is Readonly<Record<string, unknown>> {
  if (typeof object !== "object" || object === null || !("apiVersion" in object)) return false;
  return typeof object.apiVersion === "string" && object.apiVersion.startsWith(GROUP) && "kind" in object;
}

const pages = readdirSync(DOCS, { recursive: true, encoding: "utf8" });
const shown = [
  ...pages
    .filter((name) => name.endsWith(".md"))
    .flatMap((name) => objectsOf(name, readFileSync(path.join(DOCS, name), "utf8"))),
  ...pages
    .filter((name) => name.startsWith("examples/") && name.endsWith(".yaml"))
    .flatMap((name) => objectsOf(name, `\`\`\`yaml\n${readFileSync(path.join(DOCS, name), "utf8")}\`\`\``)),
];

describe("objects of docs/", () => {
  it("are found", () => {
    expect(shown.length).toBeGreaterThan(8);
  });

  it.each(shown.map((one, index) => ({ ...one, index })))("$where ($index)", async ({ object, index }) => {
    const input = stringify({ ...object, metadata: { name: `documented-${index}`, namespace } });
    const args = ["create", "--dry-run=server", "--validate=strict", "--output=name", "--filename=-"];
    expect(await kubectl(target, args, { input })).toContain(`/documented-${index}`);
  });
});
