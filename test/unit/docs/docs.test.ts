/** The pages say what the code says. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
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
  return ["package.json", ...packages].map((name) => JSON.parse(read(name)) as Manifest);
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
    for (const [name, version] of wanted) expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/);
  });

  it("goes with a lockfile that has no download addresses", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved": "https?:/);
  });
});

describe("links", () => {
  it.each(pages())("of %s lead somewhere", (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const local = targets.filter((target) => !/^[a-z]+:/.test(target));
    const broken = local.filter((target) => !existsSync(path.join(ROOT, path.dirname(page), target)));
    expect(broken).toEqual([]);
  });
});
