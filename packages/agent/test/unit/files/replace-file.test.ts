/** What a file may not take the place of: root would lose /dev/null to it. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { saveArchive } from "../../../src/doctor/io/save-archive.ts";
import { replaceFile, requireReplaceable } from "../../../src/files/index.ts";
import { prepareFile } from "../../../src/registration/index.ts";

let pipe: string;
beforeEach(() => {
  pipe = join(mkdtempSync(join(tmpdir(), "replaced-")), "pipe");
  execFileSync("mkfifo", [pipe]);
});
afterEach(() => rmSync(join(pipe, ".."), { recursive: true }));

it.each([
  ["a file of the agent's own", (path: string) => replaceFile(path, "text")],
  ["a configuration, before anything is registered", (path: string) => prepareFile(path)],
  ["an archive for support", (path: string) => saveArchive(path, Buffer.from("bytes"))],
])("%s leaves a pipe where it is", async (_what, save) => {
  await expect(save(pipe)).rejects.toThrow("what has this name is no file");
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

it("is no device, and none of the links of /dev that lead to one", async () => {
  await expect(requireReplaceable("/dev/null")).rejects.toThrow("what has this name is no file");
  await expect(requireReplaceable("/dev/stdout")).rejects.toThrow("what has this name is no file");
  await expect(requireReplaceable("/dev")).rejects.toThrow("there is a folder of this name");
});

it("may be a link, which is replaced, and nothing at all", async () => {
  const link = join(pipe, "../link");
  symlinkSync(pipe, link);
  await replaceFile(link, "text");
  expect([lstatSync(link).isFile(), readFileSync(link, "utf8"), lstatSync(pipe).isFIFO()]).toEqual([
    true,
    "text",
    true,
  ]);
  await replaceFile(join(pipe, "../new"), "text");
});
