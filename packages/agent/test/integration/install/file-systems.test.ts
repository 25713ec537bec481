/** The file systems of an installation, as they are on the disk. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeDisk, type TestDisk, type TestDiskOptions } from "../../../../../test/disks/index.ts";
import { planLayout } from "../../../src/install/disk-layout.ts";
import { installEfiBoot, makeFileSystems } from "../../../src/install/io/target-disk.ts";

const MIB = 1024 ** 2;
const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" }, encoding: "utf8" } as const;
const FIRST_PROGRAM = new URL("../../../../../boot/image/init", import.meta.url);
const [RESET = ""] = /^ *mkfs\.ext4 .*"\$statedevice"/m.exec(readFileSync(FIRST_PROGRAM, "utf8")) ?? [];
/** The least that an installation gives it. */
const STATE_BYTES = 1024 * MIB;
const { partitions } = planLayout(20 * 1024 * MIB, { slotBytes: undefined, systemBytes: 0 }, randomUUID);
const ESP_BYTES = partitions.find(({ role }) => role === "esp")?.sizeBytes ?? 0;
/** Fewer are not FAT32 for some firmware. Source: Microsoft, "FAT: General Overview of On-Disk Format" */
const FAT32_CLUSTERS_MIN = 65_525;
const FULL_BYTES = 32 * MIB;
/** As mkfs.ext4 has it from this size on. */
const BLOCK_BYTES = 4096;

let home: string;
let disks: TestDisk[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "file-systems-"));
  disks = [];
});

afterEach(() => {
  for (const disk of disks) disk.remove();
  rmSync(home, { recursive: true });
});

function newDisk(sizeBytes: number, options: TestDiskOptions = {}): TestDisk {
  const disk = makeDisk(join(home, `${disks.length}`), sizeBytes, options);
  disks.push(disk);
  return disk;
}

async function makeAll(state: TestDisk, esp = newDisk(ESP_BYTES)): Promise<void> {
  const [oem, b] = [newDisk(8 * MIB), newDisk(8 * MIB)];
  const devices = { bios: "", oem: oem.device, a: "", b: b.device, state: state.device, esp: esp.device };
  await makeFileSystems(devices, "11111111-1111-4111-8111-111111111111", new AbortController().signal);
}

/** What was chosen for it, without what is of each its own. */
function choices({ device }: TestDisk): string {
  const ofEach =
    /^(Filesystem UUID|Filesystem created|Last .*|Directory Hash Seed|Lifetime writes|.*[Cc]hecksum):.*\n/gm;
  return execFileSync("dumpe2fs", ["-h", device], { ...PROGRAMS, stdio: "pipe" }).replaceAll(ofEach, "");
}

it("keep something for root where people write, and a reset makes what the installation has made", async () => {
  const state = newDisk(STATE_BYTES);
  await makeAll(state);
  const reserved = Math.floor(STATE_BYTES / BLOCK_BYTES / 100);
  expect(choices(state)).toMatch(new RegExp(`^Reserved block count: +${reserved}$`, "m"));
  const afterReset = newDisk(STATE_BYTES);
  execFileSync("sh", ["-c", RESET], { ...PROGRAMS, env: { ...PROGRAMS.env, statedevice: afterReset.device } });
  expect(choices(afterReset)).toBe(choices(state));
});

it("are made of a large disk without discarding it first, at a reset too", async () => {
  const [state, afterReset] = [newDisk(FULL_BYTES), newDisk(FULL_BYTES)];
  for (const { file } of [state, afterReset]) writeFileSync(file, Buffer.alloc(FULL_BYTES, "x"), { flag: "r+" });
  await makeAll(state);
  execFileSync("sh", ["-c", RESET], { ...PROGRAMS, env: { ...PROGRAMS.env, statedevice: afterReset.device } });
  // What is discarded becomes a hole in the file behind the disk.
  for (const { file } of [state, afterReset]) expect(statSync(file).blocks * 512).toBeGreaterThanOrEqual(FULL_BYTES);
});

it.each([512, 4096])("are FAT32 for the firmware, with sectors of %i bytes", async (sectorBytes) => {
  const esp = newDisk(ESP_BYTES, { sectorBytes });
  await makeAll(newDisk(FULL_BYTES), esp);
  // Where FAT32 names itself. Source: UEFI specification, "System Partition"; Microsoft, as above
  expect(esp.firstBytes(512).toString("latin1", 0x52, 0x5a)).toBe("FAT32   ");
  const efi = Buffer.alloc(5 * MIB, "efi");
  await installEfiBoot(esp.device, { image: efi, fileName: "BOOTX64.EFI" }, join(home, "work"));
  const checked = execFileSync("fsck.vfat", ["-n", esp.device], PROGRAMS);
  expect(checked).not.toMatch(/warning/i);
  expect(Number(/\/(\d+) clusters/.exec(checked)?.[1])).toBeGreaterThanOrEqual(FAT32_CLUSTERS_MIN);
  const copy = join(home, "copy");
  execFileSync("mcopy", ["-i", esp.device, "::/EFI/BOOT/BOOTX64.EFI", copy], PROGRAMS);
  expect(readFileSync(copy).equals(efi)).toBe(true);
});

describe("GRUB for UEFI has its final name", () => {
  const efi = Buffer.alloc(MIB, "efi");
  let esp: TestDisk;

  /** Has lines of a shell run around one of mtools; what it is called with is in "$@". */
  function around(name: string, text: string): void {
    const bin = join(home, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${text}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:/usr/sbin:/sbin:/usr/bin:/bin`);
  }
  const names = (): string =>
    execFileSync("mdir", ["-b", "-i", esp.device, "::/EFI/BOOT"], { ...PROGRAMS, stdio: "pipe" });
  /** How often the disk was told to empty its cache. Source: Linux, Documentation/block/stat.rst */
  const keepFlushes = (name: string): string =>
    `awk '{ print $16 }' /sys/block/${basename(esp.device)}/stat >${join(home, name)}`;
  const flushes = (name: string): number => Number(readFileSync(join(home, name), "utf8"));

  beforeEach(async () => {
    esp = newDisk(ESP_BYTES);
    await makeAll(newDisk(FULL_BYTES), esp);
  });
  afterEach(() => vi.unstubAllEnvs());

  it("not before all of it is written", async () => {
    // As when the power goes: some of it is there.
    around("mcopy", `for one; do [ -f "$one" ] && truncate -s 4096 "$one"; done; mcopy "$@"; exit 1`);
    await expect(
      installEfiBoot(esp.device, { image: efi, fileName: "BOOTX64.EFI" }, join(home, "work")),
    ).rejects.toMatchObject({ code: "SLOT_TOOL_FAILED" });
    expect(names()).not.toContain("BOOTX64.EFI");
  });

  it("not before all of it has left the disk's own cache, and nothing else stays", async () => {
    around("mcopy", `mcopy "$@" && ${keepFlushes("copied")}`);
    around("mren", `${keepFlushes("renaming")}; mren "$@" && ${keepFlushes("renamed")}`);
    await installEfiBoot(esp.device, { image: efi, fileName: "BOOTX64.EFI" }, join(home, "work"));
    expect(flushes("renaming")).toBeGreaterThan(flushes("copied"));
    execFileSync("sh", ["-c", keepFlushes("done")]);
    expect(flushes("done")).toBeGreaterThan(flushes("renamed"));
    expect(names()).toBe("::/EFI/BOOT/BOOTX64.EFI\n");
    const copy = join(home, "copy");
    execFileSync("mcopy", ["-i", esp.device, "::/EFI/BOOT/BOOTX64.EFI", copy], { ...PROGRAMS, stdio: "pipe" });
    expect(readFileSync(copy).equals(efi)).toBe(true);
  });
});
