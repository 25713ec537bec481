/** What must not be erased, on a real disk with a real mount. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { wipeDisk } from "../../../src/install/io/target-disk.ts";
import { writeGrubEnvironmentFile } from "../../../src/slots/io/grub-environment-file.ts";
import { clearMounts, isMounted, mount } from "../../../src/slots/io/file-systems.ts";

const MIB = 1024 ** 2;
const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };

let home: string;
let disk: TestDisk;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "target-disk-"));
  disk = makeDisk(home, 16 * MIB);
  execFileSync("mkfs.ext4", ["-q", disk.device], PROGRAMS);
});

afterEach(() => {
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

it("leaves a disk that the kernel has in use as it is, and wipes it when nobody has", async () => {
  const folder = join(home, "mounted");
  await mount(disk.device, folder, "ro");
  const before = disk.firstBytes(MIB);
  await expect(wipeDisk(disk.device, 16 * MIB)).rejects.toMatchObject({ code: "INSTALL_DISK_IN_USE" });
  expect(disk.firstBytes(MIB).equals(before)).toBe(true);
  await clearMounts(folder);
  await wipeDisk(disk.device, 16 * MIB);
  expect(disk.firstBytes(MIB).every((byte) => byte === 0)).toBe(true);
});

it("has GRUB's words where a reader without the journal finds them, as soon as they are written", async () => {
  const folder = join(home, "oem");
  await mount(disk.device, folder, "rw");
  const path = join(folder, "grubenv");
  const wordsOnDisk = (): string =>
    // The file behind the disk: what the kernel has not written out is not in it.
    execFileSync("debugfs", ["-R", "cat /grubenv", disk.file], { ...PROGRAMS, encoding: "utf8", stdio: "pipe" });
  for (const trial of ["", "b", "", "a"]) {
    await writeGrubEnvironmentFile(path, new Map([["try", trial]]));
    expect(wordsOnDisk()).toContain(`\ntry=${trial}\n`);
  }
});

it("takes mounts and empty folders out of a work folder, also behind a link, and nothing else", async () => {
  const real = join(home, "real");
  mkdirSync(join(real, "theirs"), { recursive: true });
  writeFileSync(join(real, "theirs/file"), "kept");
  const folder = join(home, "link");
  symlinkSync(real, folder);
  await mount(disk.device, join(folder, "slot"), "ro");
  mkdirSync(join(real, "oem"));
  expect(isMounted(join(folder, "slot"))).toBe(true);
  await clearMounts(folder);
  expect(isMounted(join(real, "slot"))).toBe(false);
  expect(readdirSync(real)).toEqual(["theirs"]);
  expect(readFileSync(join(real, "theirs/file"), "utf8")).toBe("kept");
  rmSync(join(real, "theirs"), { recursive: true });
  await clearMounts(real);
  await clearMounts(real);
  expect(readdirSync(home)).not.toContain("real");
});
