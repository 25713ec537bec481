/** When scripts/ros-agent makes its bundle anew: whatever is inside has changed, also to something older. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

function write(name: string, text = ""): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

function isFresh(): boolean {
  return bash("agent_bundle_is_fresh");
}

function bash(script: string): boolean {
  const options = ["-euo", "pipefail", "-c", `root=${folder}; source ${ROOT}/scripts/agent-bundle.bash; ${script}`];
  return spawnSync("bash", options).status === 0;
}

/** As scripts/bundle-agent does. */
function keepSum(): void {
  expect(bash("agent_sources_sum >$agent_bundle/sources")).toBe(true);
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

describe("whose sources are known", () => {
  beforeEach(async () => {
    keepSum();
    await sleep(20);
  });

  it("is fresh where the same sources have come again, and by their times from then on", () => {
    for (const name of PACKAGES) write(`packages/${name}/src/index.ts`);
    expect(isFresh()).toBe(true);
    utimesSync(path.join(folder, "dist/bundle/current/begun"), 1e9, 1e9);
    expect(isFresh()).toBe(true);
    expect(statSync(path.join(folder, "dist/bundle/current/begun")).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it.each([
    ["is another one", () => write("packages/cli/src/index.ts", "//")],
    ["has come", () => write("packages/cli/src/more.ts")],
    ["has gone", () => rmSync(path.join(folder, "packages/cli/src/index.ts"))],
    [
      "has another name",
      () => renameSync(path.join(folder, "packages/cli/src/index.ts"), `${folder}/packages/cli/src/x.ts`),
    ],
  ])("is stale where one %s", (_, change) => {
    change();
    expect(isFresh()).toBe(false);
  });
});

it("is stale where there is none", () => {
  rmSync(path.join(folder, "dist"), { recursive: true });
  expect(isFresh()).toBe(false);
});
