/**
 * The count of attempts on a partition for UEFI: the real mtools, on a FAT inside of a disk, and what the kernel says of it.
 * Where the firmware finds the boot loader meanwhile, fsck.fat tells.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { forgetStartsOn } from "../../../src/firmware/index.ts";
import { attemptsFile, installedAttemptsFile, type AttemptsFile } from "../../../src/firmware/io/attempts-file.ts";
import { startNext, type StartStores } from "../../../src/firmware/start-next.ts";
import type { EfiVariables } from "../../../src/firmware/io/efi-variables.ts";
import { LOADER_PLACE } from "../../unit/firmware/loader-place.ts";

const STARTS = "RancherOSStarts-959a8fc4-11b0-4855-8050-18661689714d";
const MIB = 1024 ** 2;
const START_BYTES = MIB;
const LOADER = Buffer.alloc(300_000, "GRUB");

let home: string;
let disk: TestDisk;
let file: AttemptsFile;

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
    stdio: "pipe",
  });
const fat = (program: string, ...args: readonly string[]): string =>
  run(program, "-i", `${disk.file}@@${START_BYTES}`, ...args);

function attach(): void {
  disk = makeDisk(join(home, "disk"), 48 * MIB);
}

/** What is left of it for whoever comes next. */
function names(): readonly string[] {
  return fat("mdir", "-b", "::").trim().split("\n");
}

function makeFat(): void {
  run("mkfs.vfat", "-F", "32", "--offset", String(START_BYTES / 512), disk.file, String(40 * 1024));
  const loader = join(home, "BOOTX64.EFI");
  writeFileSync(loader, LOADER);
  fat("mmd", "::/EFI", "::/EFI/BOOT");
  fat("mcopy", loader, "::/EFI/BOOT/BOOTX64.EFI");
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "attempts-"));
  attach();
  makeFat();
  file = attemptsFile({ device: disk.device, offsetBytes: START_BYTES });
});

afterEach(() => {
  disk.remove();
  rmSync(home, { recursive: true });
});

describe("the count of attempts on ROS_ESP", () => {
  it("is written, changed, read and removed, and the boot loader stays whole beside it", async () => {
    expect(await file.read()).toBeUndefined();
    for (const text of ["first\n", "second\n", "third, and longer\n"]) {
      await file.write(text);
      expect(await file.read()).toBe(text);
    }
    expect(names()).toEqual(["::/EFI/", "::/ROSTARTS.TXT"]);
    await file.remove();
    expect(await file.read()).toBeUndefined();
    await file.remove();
    expect(names()).toEqual(["::/EFI/"]);
    fat("mcopy", "::/EFI/BOOT/BOOTX64.EFI", join(home, "back"));
    expect(readFileSync(join(home, "back")).equals(LOADER)).toBe(true);
    writeFileSync(join(home, "esp"), readFileSync(disk.file).subarray(START_BYTES, START_BYTES + 40 * MIB));
    expect(run("fsck.vfat", "-n", join(home, "esp"))).not.toMatch(/dirty|differ|free cluster|orphan/i);
  });

  it("is the old one where its writer was killed, and what that left is in nobody's way", async () => {
    await file.write("old\n");
    writeFileSync(join(home, "new"), "half");
    fat("mcopy", join(home, "new"), "::/ROSTARTS.NEW");
    const again = attemptsFile({ device: disk.device, offsetBytes: START_BYTES });
    run("blockdev", "--flushbufs", disk.device);
    expect(await again.read()).toBe("old\n");
    await again.write("new\n");
    expect(names()).toEqual(["::/EFI/", "::/ROSTARTS.TXT"]);
    fat("mcopy", join(home, "new"), "::/ROSTARTS.NEW");
    run("blockdev", "--flushbufs", disk.device);
    await again.remove();
    expect(names()).toEqual(["::/EFI/"]);
  });

  it("cannot be kept where the partition is full, or is none, or takes nothing, and says so", async () => {
    const code = "FIRMWARE_COUNT_UNSAVED";
    await file.write("old\n");
    run("blockdev", "--flushbufs", disk.device);
    const [, free = ""] = /([\d ]+) bytes free/.exec(fat("mdir", "::")) ?? [];
    writeFileSync(join(home, "filling"), Buffer.alloc(Number(free.replaceAll(" ", ""))));
    fat("mcopy", join(home, "filling"), "::/FILLING");
    run("blockdev", "--flushbufs", disk.device);
    await expect(file.write("1\n")).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/has not taken all of it/) as unknown,
    });
    expect(await file.read()).toBe("old\n");
    const nowhere = attemptsFile({ device: disk.device, offsetBytes: 0 });
    await expect(nowhere.read()).rejects.toMatchObject({ code });
    await expect(nowhere.write("1\n")).rejects.toMatchObject({ code });
    await expect(nowhere.remove()).rejects.toMatchObject({ code });
  });

  it("cannot be kept on a disk that takes nothing any more, and is read from it", async () => {
    await file.write("1\n");
    const content = readFileSync(disk.file);
    disk.remove();
    attach();
    writeFileSync(disk.file, content);
    run("blockdev", "--flushbufs", disk.device);
    run("blockdev", "--setro", disk.device);
    const protectedFile = attemptsFile({ device: disk.device, offsetBytes: START_BYTES });
    expect(await protectedFile.read()).toBe("1\n");
    await expect(protectedFile.write("2\n")).rejects.toMatchObject({ code: "FIRMWARE_COUNT_UNSAVED" });
    await expect(protectedFile.remove()).rejects.toMatchObject({ code: "FIRMWARE_COUNT_UNSAVED" });
    expect(await protectedFile.read()).toBe("1\n");
    run("blockdev", "--setrw", disk.device);
  });

  it("is not read any more where that is broken off", async () => {
    const over = attemptsFile({ device: disk.device, offsetBytes: START_BYTES, signal: AbortSignal.abort() });
    await expect(over.read()).rejects.toMatchObject({ code: "SLOT_INTERRUPTED" });
  });

  it("makes up for firmware that loses its variables at each restart, until the installed system runs", async () => {
    const stores = (kept = new Map<string, Buffer>()): StartStores => {
      const variables: EfiVariables = {
        names: () => Promise.resolve([...kept.keys()]),
        read: (name) => Promise.resolve(kept.get(name)),
        write: async (name, data) => void kept.set(name, data),
        remove: async (name) => void kept.delete(name),
      };
      return { variables, file, onUnsaved: (error) => expect.unreachable(error.message) };
    };
    const starts = async (number: number): Promise<unknown> => {
      const startedAtMs = number * 600_000;
      return startNext(stores(), LOADER_PLACE, { bootId: randomUUID(), startedAtMs, nowMs: startedAtMs + 60_000 });
    };
    const started = { entry: "Boot0000" };
    expect([await starts(1), await starts(2), await starts(3), await starts(4)]).toEqual([
      ...Array.from({ length: 3 }, () => started),
      "spent",
    ]);
    // As the installed system has it: by its own partition.
    const esp = run("losetup", "--find", "--show", "--offset", String(START_BYTES), disk.device).trim();
    mkdirSync(join(home, "dev"));
    symlinkSync(esp, join(home, "dev/vda2"));
    const host = join(home, "host");
    // The firmware does not let its own variable go.
    mkdirSync(join(host, "sys/firmware/efi/efivars", `${STARTS}/no-file`), { recursive: true });
    const told: string[] = [];
    await forgetStartsOn(host, (sentence) => void told.push(sentence), kernelOf(join(host, "oem")));
    expect(told).toEqual([expect.stringMatching(/RancherOSStarts.*\(FIRMWARE_UNSAVED\)$/)]);
    run("losetup", "--detach", esp);
    run("blockdev", "--flushbufs", disk.device);
    expect(await starts(5)).toEqual(started);
  });

  it("is looked for on the disk of /oem only", () => {
    expect(installedAttemptsFile("/host", kernelOf("/oem"))).toBeUndefined();
  });
});

/** A kernel that shows the disk with its partitions, of which the first is mounted. */
function kernelOf(oem: string) {
  const sys = join(home, "sys");
  for (const [number, name] of ["ROS_OEM", "ROS_ESP"].entries()) {
    const folder = join(sys, `devices/block/vda/vda${number + 1}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "uevent"), `DEVNAME=vda${number + 1}\nPARTNAME=${name}\n`);
  }
  mkdirSync(join(sys, "dev/block"), { recursive: true });
  symlinkSync("../../devices/block/vda/vda1", join(sys, "dev/block/254:1"));
  const mountInfo = join(home, "mountinfo");
  writeFileSync(mountInfo, `36 25 254:1 / ${oem} rw,noatime shared:1 - ext4 /dev/vda1 rw\n`);
  return { mountInfo, sys, dev: join(home, "dev") };
}
