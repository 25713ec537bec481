/** When scripts/ros-agent makes its bundle anew: whatever is inside has changed, also to something older. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { programNamed } from "../../../scripts/binaries/programs.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const PACKAGES = programNamed("ros-agent").packages;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "agent-bundle-"));
  const packages = PACKAGES.flatMap((name) => [`packages/${name}/src/index.ts`, `packages/${name}/package.json`]);
  const scripts = ["bundle-agent", "bundle-agent.ts", "agent-bundle.bash"];
  const options = ["bundle-options.ts", "oclif-on-demand.ts"].map((name) => `binaries/${name}`);
  for (const file of [...packages, "package-lock.json", ...[...scripts, ...options].map((name) => `scripts/${name}`)])
    write(file);
  write("dist/bundle/current/begun");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), "");
}

function isFresh(): boolean {
  const script = `root=${folder}; source ${ROOT}/scripts/agent-bundle.bash; agent_bundle_is_fresh`;
  return spawnSync("bash", ["-euc", script]).status === 0;
}

it("is fresh while nothing has changed since it was begun", () => {
  expect(isFresh()).toBe(true);
});

it.each(PACKAGES)("is stale where a source of packages/%s has changed", async (name) => {
  // Longer than the tick by which the kernel dates files.
  await sleep(20);
  write(`packages/${name}/src/index.ts`);
  expect(isFresh()).toBe(false);
});

it("is stale where a source has come that is older than the bundle, as rsync and tar bring them", async () => {
  await sleep(20);
  write("packages/agent/src/index.ts");
  utimesSync(path.join(folder, "packages/agent/src/index.ts"), 1e9, 1e9);
  expect(isFresh()).toBe(false);
});

it("is stale where it was begun in the future: the clock was wrong, and no source would be newer", () => {
  const inAnHour = Date.now() / 1000 + 3600;
  utimesSync(path.join(folder, "dist/bundle/current/begun"), inAnHour, inAnHour);
  expect(isFresh()).toBe(false);
});

it("is stale where there is none", () => {
  rmSync(path.join(folder, "dist"), { recursive: true });
  expect(isFresh()).toBe(false);
});
