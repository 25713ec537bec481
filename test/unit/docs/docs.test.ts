/** The pages say what the code says. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PHASE_NAMES, PHASES } from "@rancheros/protocol/upgrade";
import { stalePages } from "../../../scripts/generate-docs.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), "utf8");
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifests(): readonly Manifest[] {
  const packages = readdirSync(path.join(ROOT, "packages")).map((name) => `packages/${name}/package.json`);
  return ["package.json", "site/package.json", ...packages].map((name) => JSON.parse(read(name)) as Manifest);
}

function pages(): readonly string[] {
  const below = readdirSync(path.join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
  const root = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];
  return [...root, ...below.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
}

describe("generated pages", () => {
  it("are what the code says: else run node scripts/generate-docs.ts", () => {
    expect(stalePages()).toEqual([]);
  });
});

describe("docs/dependencies.md", () => {
  it("names every dependency, each pinned to one version, and no other", () => {
    const wanted = new Map<string, string>();
    for (const manifest of manifests()) {
      const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
      for (const [name, version] of Object.entries(all)) if (!name.startsWith("@rancheros/")) wanted.set(name, version);
    }
    const rows = read("docs/dependencies.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    const named = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1]));
    expect(new Set(named)).toEqual(new Set(wanted.keys()));
    for (const [name, version] of wanted) expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+(?:-alpha\.\d+)?$/);
  });

  it.each(["package-lock.json", "site/package-lock.json"])("goes with %s, which has no download addresses", (lock) => {
    expect(read(lock)).not.toMatch(/"resolved": "https?:/);
  });
});

describe("drawings", () => {
  it("show the phases of an upgrade as they are", () => {
    const drawing = read("docs/drawings/phases.svg");
    expect(PHASE_NAMES.filter((phase) => !drawing.includes(`>${phase}</text>`))).toEqual([]);
    const arrows = [...drawing.matchAll(/data-from="(\w+)" data-to="(\w+)"/g)].map(([, from = "", to = ""]) => [
      from,
      to,
    ]);
    expect(arrows.length).toBeGreaterThan(PHASE_NAMES.length - 2);
    const allowed = PHASE_NAMES.flatMap((phase) => PHASES[phase].next.map((next) => `${phase} ${next}`));
    expect(arrows.filter(([from, to]) => !allowed.includes(`${from} ${to}`))).toEqual([]);
  });

  it.each(pages())(
    "of %s are files with words for who does not see them, none are mermaid, which only GitHub draws",
    (page) => {
      expect(read(page)).not.toContain("```mermaid");
      expect([...read(page).matchAll(/!\[([^\]]*)\]/g)].filter((match) => match[1] === "")).toEqual([]);
    },
  );
});

describe("commands", () => {
  it.each([...pages(), "charts/rancheros-operator/templates/NOTES.txt"])(
    "of %s watch one kind: kubectl refuses more",
    (page) => {
      expect(read(page)).not.toMatch(/kubectl get [^\n]*\w,\w[^\n]* (-w|--watch)\b/);
    },
  );
});

describe("links", () => {
  it.each(pages())("of %s lead somewhere", (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const local = targets.filter((target) => !/^[a-z]+:/.test(target));
    const broken = local.filter((target) => !existsSync(path.join(ROOT, path.dirname(page), target)));
    expect(broken).toEqual([]);
  });
});
