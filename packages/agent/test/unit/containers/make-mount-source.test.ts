/** The folder of this machine that a container is to see, made where it is missing, on a real disk. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeMountSource } from "../../../src/containers/io/make-mount-source.ts";

let root: string;
let umask: number;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "mount-source-"));
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true });
});

const modeOf = (name: string): number => statSync(path.join(root, name)).mode & 0o777;

it("is made with what leads to it, for all to read, whatever umask there is, and through the machine's own links", async () => {
  process.umask(0o077);
  mkdirSync(path.join(root, "real"));
  symlinkSync("real", path.join(root, "linked"));
  await makeMountSource(path.join(root, "linked/new/deep"));
  expect([modeOf("real/new"), modeOf("real/new/deep")]).toEqual([0o755, 0o755]);
});

it("stays as it is where it is there, also where others than root lead to it", async () => {
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
  mkdirSync(path.join(root, "anybodys"));
  chmodSync(path.join(root, "anybodys"), 0o777);
  symlinkSync(path.join(root, "private"), path.join(root, "anybodys/link"));
  await makeMountSource(path.join(root, "anybodys/link"));
  expect(modeOf("private")).toBe(0o700);
});

it("is made through no link that others than root may put there", async () => {
  mkdirSync(path.join(root, "private"), { mode: 0o700 });
  mkdirSync(path.join(root, "anybodys"));
  chmodSync(path.join(root, "anybodys"), 0o777);
  symlinkSync(path.join(root, "private"), path.join(root, "anybodys/link"));
  const source = path.join(root, "anybodys/link/new");
  await expect(makeMountSource(source)).rejects.toMatchObject({
    code: "CONTAINER_MOUNT_FAILED",
    message: expect.stringContaining(`${source}, which cannot be made`) as string,
  });
  expect(readdirSync(path.join(root, "private"))).toEqual([]);
});

it("is named where it cannot be made", async () => {
  writeFileSync(path.join(root, "file"), "");
  const source = path.join(root, "file/new");
  await expect(makeMountSource(source)).rejects.toMatchObject({
    code: "CONTAINER_MOUNT_FAILED",
    message: `the container is to see ${source}, which cannot be made (ENOTDIR)`,
  });
});
