/** Paths that a shell has made of a variable that is not set, and roots that are not there. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { errorOf, rosAgent } from "./ros-agent.ts";

let folder: string;
let config: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "empty-paths-"));
  config = join(folder, "a.yaml");
  await writeFile(config, "#cloud-config\nhostname: m1\n");
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  ["file", ["config", "validate", ""]],
  ["root", ["config", "apply", "a.yaml", "--dry-run", "--root", ""]],
  ["state-folder", ["status", "--state-folder="]],
  ["state-folder", ["run", "--without-operator", "--run-folder", "/dev/null/run", "--state-folder", ""]],
  ["ca-cert", ["register", "https://127.0.0.1:1/v1-rancheros/registration/tokentokentoken", "--ca-cert", ""]],
  ["output", ["register", "https://127.0.0.1:1/v1-rancheros/registration/tokentokentoken", "-o", ""]],
])("%s may not be empty: it would mean the folder in which the command was called", async (name, args) => {
  const outcome = await rosAgent([...args, "--json"]);
  expect(outcome.code).toBe(2);
  expect(errorOf(outcome)).toMatchObject({
    code: "CLI_USAGE",
    message: `${name} is empty, and has to name a file or a folder`,
  });
});

it("a root that is no folder is told as such, before anything is read or written below it", async () => {
  const run = ["--run-folder", join(folder, "run")];
  for (const root of [join(folder, "none"), config]) {
    for (const args of [
      ["config", "apply", config, ...run],
      ["config", "runcmd", ...run],
      ["config", "show"],
    ]) {
      const outcome = await rosAgent([...args, "--root", root, "--json"]);
      expect(outcome.code, args.join(" ")).toBe(8);
      expect(errorOf(outcome)).toMatchObject({
        code: "CLI_FILE_UNREADABLE",
        message: `--root: there is no folder ${root}`,
      });
    }
  }
  expect(await readdir(folder)).toEqual(["a.yaml"]);
});
