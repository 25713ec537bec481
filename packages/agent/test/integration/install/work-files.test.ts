/** What an installation writes beside the disk. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeBootLoader } from "../../../src/install/io/boot-loader.ts";
import { installEfiBoot } from "../../../src/install/io/target-disk.ts";
import { clearWorkFolder } from "../../../src/install/io/work-files.ts";
import { clearMounts } from "../../../src/slots/io/file-systems.ts";

const OEM = { number: 3, id: "11111111-1111-4111-8111-111111111111" };

let home: string;
let work: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "work-files-"));
  work = join(home, "work");
  mkdirSync(work);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await clearMounts(work);
  rmSync(home, { recursive: true });
});

describe("where the work folder's disk is full", () => {
  beforeEach(() => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", work]);
    mkdirSync(join(work, "ros-agent-install"));
    const fill = (): void => writeFileSync(join(work, "filling"), Buffer.alloc(64 * 1024));
    expect(fill).toThrow("ENOSPC");
    // As in the live system, where it is the same one.
    vi.stubEnv("TMPDIR", work);
  });

  it("there is no room for GRUB, which is told with its name", async () => {
    await expect(makeBootLoader("x64", OEM, join(work, "ros-agent-install"))).rejects.toMatchObject({
      code: "SLOT_NO_ROOM",
      message: expect.stringContaining(work) as unknown,
    });
  });

  it("there is no room for GRUB for UEFI, which is told with its name", async () => {
    const efi = { image: Buffer.alloc(32 * 1024), fileName: "BOOTX64.EFI" };
    await expect(installEfiBoot("/dev/null", efi, join(work, "ros-agent-install"))).rejects.toMatchObject({
      code: "SLOT_NO_ROOM",
      message: expect.stringContaining(work) as unknown,
    });
  });
});

it("GRUB lies in the work folder meanwhile, and nothing stays there of an installation that was killed", async () => {
  const bin = join(home, "bin");
  mkdirSync(bin);
  // As a kill finds it.
  writeFileSync(join(bin, "mmd"), `#!/bin/sh\ncp -r ${work} ${home}/killed\nexit 1\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:/usr/sbin:/sbin:/usr/bin:/bin`);
  const efi = { image: Buffer.from("efi"), fileName: "BOOTX64.EFI" };
  await expect(installEfiBoot("/dev/null", efi, join(work, "ros-agent-install"))).rejects.toMatchObject({
    code: "SLOT_TOOL_FAILED",
  });
  expect(readdirSync(join(work, "ros-agent-install"))).toEqual([]);
  const killed = join(home, "killed/ros-agent-install");
  expect(existsSync(join(killed, "files/BOOTX64.EFI"))).toBe(true);
  await clearWorkFolder(killed);
  expect(existsSync(killed)).toBe(false);
});
