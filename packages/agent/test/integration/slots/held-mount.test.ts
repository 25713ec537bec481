/** A slot's file system in the hands of others: of who has copied all mounts of the machine, as a container that starts. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { makeExt4, mount, unmount } from "../../../src/slots/io/file-systems.ts";

const { signal } = new AbortController();

let home: string;
let disk: TestDisk;
let folder: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "held-mount-"));
  disk = makeDisk(home, 16 * 1024 ** 2);
  folder = join(home, "machine/slot");
  await makeExt4(disk.device, "TEST", signal);
  await mount(disk.device, folder, "rw");
});

afterEach(async () => {
  await unmount(folder);
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

/** @returns lets go of the mounts a second later */
async function holdAllMounts(): Promise<() => void> {
  const args = ["--mount", "--propagation", "private", "sh", "-c", "echo held; read -r line"];
  const holder = spawn("unshare", args, { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  return () => void setTimeout(() => holder.stdin.end(), 1_000);
}

it("is mounted again, and made anew, as soon as it is let go", async () => {
  let letGo = await holdAllMounts();
  await unmount(folder);
  letGo();
  await mount(disk.device, folder, "ro");
  letGo = await holdAllMounts();
  await unmount(folder);
  letGo();
  await makeExt4(disk.device, "TEST", signal);
  await mount(disk.device, folder, "rw");
  expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(` ${folder} `);
}, 60_000);

it("is not taken along by who takes the folders above it, such as a container with the machine's /", () => {
  const other = join(home, "other");
  mkdirSync(other);
  execFileSync("mount", ["--rbind", join(home, "machine"), other]);
  try {
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(`${other}/slot`);
  } finally {
    execFileSync("umount", ["--recursive", other]);
  }
});
