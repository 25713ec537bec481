/** A program in parts, and which of them a command loads: as files here, by Node's own loader. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleProgram, type Bundle } from "../../../scripts/binaries/bundle-program.ts";
import { programNamed } from "../../../scripts/binaries/programs.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const NOTE_PARTS = `process.on("exit", () => {
  require("node:fs").writeFileSync(process.env.LOADED, Object.keys(require.cache).join("\\n"));
});`;

let folder = "";
let bundle: Bundle;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "parts-"));
  bundle = await bundleProgram(ROOT, programNamed("ros-agent"), "");
  for (const [name, text] of bundle.parts) writeFileSync(path.join(folder, name), text);
  writeFileSync(path.join(folder, "package.json"), '{"type":"commonjs"}');
  writeFileSync(path.join(folder, "note-parts.cjs"), NOTE_PARTS);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** @returns names of parts, and how much of the whole text they are, 0 to 1 */
async function loadedBy(args: readonly string[]): Promise<{ names: readonly string[]; share: number }> {
  const list = path.join(folder, "loaded");
  const main = path.join(folder, "main.js");
  const required = ["--require", path.join(folder, "note-parts.cjs")];
  const env = { ...process.env, LOADED: list };
  await promisify(execFile)(process.execPath, [...required, main, ...args], { env });
  const names = readFileSync(list, "utf8")
    .split("\n")
    .map((file) => path.basename(file))
    .filter((name) => bundle.parts.has(name));
  const sizeOf = (some: Iterable<string>): number =>
    [...some].reduce((sum, name) => sum + (bundle.parts.get(name) ?? "").length, 0);
  return { names, share: sizeOf(names) / sizeOf(bundle.parts.keys()) };
}

describe("bundleProgram", () => {
  it("has each part that a part asks for", () => {
    const asked = [...bundle.parts.values()].flatMap((text) =>
      [...text.matchAll(/\brequire\("\.\/([^"]+)"\)/g)].map(([, name]) => name),
    );
    expect(asked.length).toBeGreaterThan(bundle.parts.size);
    expect(asked.filter((name) => name === undefined || !bundle.parts.has(name))).toEqual([]);
  });

  it("has a command load what it needs, and leave the rest", async () => {
    const { names, share } = await loadedBy(["version"]);
    expect(names).toContain("main.js");
    // All of it is what was read before there were parts.
    expect(share).toBeLessThan(0.2);
  });

  it("gives the same parts again", async () => {
    const again = await bundleProgram(ROOT, programNamed("ros-agent"), "");
    expect([...again.parts]).toEqual([...bundle.parts]);
    expect(again.main).toBe(bundle.main);
  });

  it("makes the operator too", async () => {
    const { parts, files } = await bundleProgram(ROOT, programNamed("rancheros-operator"), "");
    expect([...parts.keys()]).toContain("main.js");
    expect(files).toContain("packages/operator/src/main.ts");
  });
});
