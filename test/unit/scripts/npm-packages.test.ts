/** What runs or bundles npm's packages has those of package-lock.json, also where a `git pull` has brought another lockfile. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const LOCKFILE = "{}\n";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "npm-packages-"));
  cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
  mkdirSync(path.join(folder, "node_modules/.bin"), { recursive: true });
  writeFileSync(path.join(folder, "package-lock.json"), LOCKFILE);
  for (const name of ["node", "esbuild"])
    program(`node_modules/.bin/${name}`, `echo "${name}" >>${folder}/ran; mkdir -p ${folder}/dist`);
  program(
    "scripts/setup",
    `echo "setup $*" >>${folder}/ran; sha256sum <${folder}/package-lock.json >${folder}/node_modules/.lockfile-sha256`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, line: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/bash\n${line}\n`, { mode: 0o755 });
}

/** As scripts/setup does after npm ci. */
function mark(lockfile: string): void {
  const sum = createHash("sha256").update(lockfile).digest("hex");
  writeFileSync(path.join(folder, "node_modules/.lockfile-sha256"), `${sum}  -\n`);
}

/** @returns what it ran, in order */
function run(command: string): readonly string[] {
  const env = { PATH: "/usr/bin:/bin", HOME: folder };
  const { status, stderr } = spawnSync("bash", ["-c", `exec ${folder}/scripts/${command}`], { encoding: "utf8", env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const ran = path.join(folder, "ran");
  return existsSync(ran) ? readFileSync(ran, "utf8").trimEnd().split("\n") : [];
}

describe.each([
  ["build-agent --no-xz", "node"],
  ["build-operator --no-xz", "node"],
  ["bundle-agent", "node"],
  ["bundle-operator", "esbuild"],
  ["ros-agent version", "node"],
  ["rancheros-operator version", "node"],
])("scripts/%s", (command, begins) => {
  it("asks for the packages of a lockfile that is new, before it takes any", () => {
    mark("the lockfile of before\n");
    expect(run(command).slice(0, 2)).toEqual(["setup --quiet npm", begins]);
  });

  it("goes on at once where they are there", () => {
    mark(LOCKFILE);
    expect(run(command)[0]).toBe(begins);
  });
});
