/** The disk that is installed to: divided, its partitions found, its first sectors written. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants, existsSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join, parse } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { syncPath } from "../../files/index.ts";
import { makeExt4, makeFat32, makeStateExt4, PARTITIONS, runProgram, sectorBytes } from "../../slots/index.ts";
import { biosBoot } from "../bios-boot.ts";
import { sfdiskScript, type DiskLayout, type PartitionRole } from "../disk-layout.ts";
import { InstallError } from "../errors.ts";
import { parseTable, type PartitionTable } from "../parse-table.ts";
import { withWorkFiles, writeWorkFile } from "./work-files.ts";

export type Partitions = Readonly<Record<PartitionRole, string>>;

const APPEAR_MS = 15_000;
const LOOK_MS = 100;
/**
 * Where tables and boot code of before lie: up to the end, and from the beginning on, there with the first sectors of ROS_ESP.
 * What sfdisk takes away of a FAT neither firmware nor mtools look at: the boot loader of before would be found on it.
 */
const WIPED_END_BYTES = 1024 ** 2;
const WIPED_BYTES = 4 * 1024 ** 2;
const SECTOR_BYTES = 512;

/**
 * Nothing of before starts from it any more. Whatever holds the disk - a mount, a RAID, a pool - keeps it from being touched.
 * @throws InstallError INSTALL_DISK_IN_USE, INSTALL_DISK_READ_ONLY, INSTALL_DISK_FAILED
 */
export async function wipeDisk(path: string, sizeBytes: number): Promise<void> {
  await detachLoops(path);
  const zeros = Buffer.alloc(WIPED_BYTES);
  await writeAt(
    path,
    [
      [0, zeros],
      [sizeBytes - WIPED_END_BYTES, zeros.subarray(0, WIPED_END_BYTES)],
    ],
    // Of a block device: the kernel says EBUSY where somebody has claimed it or one of its partitions. Source: open(2)
    constants.O_RDWR | constants.O_EXCL,
  );
}

/** @throws SlotError, InstallError INSTALL_PARTITIONS_MISSING */
export async function divideDisk(
  path: string,
  layout: DiskLayout,
): Promise<{ readonly table: PartitionTable; readonly partitions: Partitions }> {
  const args = ["--wipe", "always", "--wipe-partitions", "always", path];
  const input = sfdiskScript(layout, await sectorBytes(path));
  await runProgram({ program: "sfdisk", args, input, from: "fdisk" });
  const table = parseTable(await runProgram({ program: "sfdisk", args: ["--json", path], from: "fdisk" }), layout);
  return { table, partitions: await partitionDevices(path, table) };
}

/** As the kernel shows them; of a file that is attached without its partitions, attached one by one. */
async function partitionDevices(path: string, table: PartitionTable): Promise<Partitions> {
  await runProgram({ program: "udevadm", args: ["settle", "--timeout=10"] }).catch(() => undefined);
  const isFile = path.startsWith("/dev/loop");
  const found = new Map<PartitionRole, string>();
  for (const { role, node, startBytes, sizeBytes } of table.partitions) {
    if (await appears(node, isFile ? 0 : APPEAR_MS)) found.set(role, node);
    else if (isFile) {
      const args = ["--find", "--show", "--offset", String(startBytes), "--sizelimit", String(sizeBytes), path];
      found.set(role, (await runProgram({ program: "losetup", args, from: "mount" })).trim());
    } else
      throw new InstallError("INSTALL_PARTITIONS_MISSING", `the kernel does not show ${node}`, { details: { node } });
  }
  const at = (role: PartitionRole): string => found.get(role) ?? "";
  return { bios: at("bios"), esp: at("esp"), oem: at("oem"), a: at("a"), b: at("b"), state: at("state") };
}

async function appears(node: string, patienceMs: number): Promise<boolean> {
  const begun = performance.now();
  while (!isBlockDevice(node)) {
    if (performance.now() - begun >= patienceMs) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** Of this run, and of a killed one. */
export async function detachLoops(path: string): Promise<void> {
  if (!path.startsWith("/dev/loop")) return;
  const list = await runProgram({
    program: "losetup",
    args: ["--list", "--noheadings", "--output", "NAME,BACK-FILE"],
    from: "mount",
  });
  for (const line of list.split("\n")) {
    const [name = "", file = ""] = line.trim().split(/\s+/);
    if (file === path) await runProgram({ program: "losetup", args: ["--detach", name], from: "mount" });
  }
}

/**
 * All but the slot that is written first.
 * @param oemId  the UUID by which GRUB looks for ROS_OEM
 * @throws SlotError
 */
export async function makeFileSystems(partitions: Partitions, oemId: string, signal: AbortSignal): Promise<void> {
  await makeExt4(partitions.oem, PARTITIONS.oem, signal, oemId);
  await makeStateExt4(partitions.state, PARTITIONS.state, signal);
  await makeExt4(partitions.b, PARTITIONS.b, signal);
  await makeFat32(partitions.esp, PARTITIONS.esp, signal);
}

/** The last writes of an installation: without them nothing starts from the disk. @throws InstallError, SlotError */
export async function installBiosBoot(
  path: string,
  table: PartitionTable,
  images: { readonly boot: Buffer; readonly core: Buffer },
): Promise<void> {
  const partition = table.partitions.find(({ role }) => role === "bios");
  if (partition === undefined)
    throw new InstallError("INSTALL_PARTITIONS_MISSING", "there is no partition for GRUB's core image");
  const disk = await open(path, "r");
  const present = Buffer.alloc(SECTOR_BYTES);
  try {
    await disk.read(present, 0, SECTOR_BYTES, 0);
  } finally {
    await disk.close();
  }
  const { startBytes, sizeBytes } = partition;
  const { mbr, core } = biosBoot(present, images.boot, images.core, startBytes / SECTOR_BYTES, sizeBytes);
  await writeAt(path, [[startBytes, core]]);
  await writeAt(path, [[0, mbr]]);
}

/**
 * @param efi     GRUB as one file, under its name when all of it is on the disk
 * @param folder  the installation's own
 * @throws SlotError
 */
export async function installEfiBoot(
  device: string,
  { image, fileName }: { readonly image: Buffer; readonly fileName: string },
  folder: string,
): Promise<void> {
  await withWorkFiles(folder, async (files) => {
    const file = join(files, fileName);
    const unfinished = `::/EFI/BOOT/${parse(fileName).name}.NEW`;
    await writeWorkFile(file, image);
    const from = "mtools";
    await runProgram({ program: "mmd", args: ["-D", "s", "-i", device, "::/EFI", "::/EFI/BOOT"], from });
    await runProgram({ program: "mcopy", args: ["-D", "o", "-i", device, file, unfinished], from });
    // Out of its own cache too.
    await syncPath(device);
    // Some letters of one sector.
    await runProgram({ program: "mren", args: ["-D", "o", "-i", device, unfinished, fileName], from });
    await syncPath(device);
  });
}

export function isDiskThere(path: string): boolean {
  return isBlockDevice(path);
}

function isBlockDevice(path: string): boolean {
  return existsSync(path) && statSync(path).isBlockDevice();
}

/** One write may take a part only: a disk that has become full or goes away says so with the next. */
async function writeAll(disk: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await disk.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0) throw new Error("it takes no more");
    done += bytesWritten;
  }
}

async function writeAt(
  path: string,
  pieces: readonly (readonly [offset: number, bytes: Buffer])[],
  flags: number = constants.O_RDWR,
): Promise<void> {
  try {
    const disk = await open(path, flags);
    try {
      for (const [offset, bytes] of pieces) await writeAll(disk, bytes, offset);
      await disk.sync();
    } finally {
      await disk.close();
    }
  } catch (cause) {
    const code = systemCode(cause) || String(cause);
    if (code === "EBUSY")
      throw new InstallError("INSTALL_DISK_IN_USE", `${path} cannot be taken: the kernel says that it is in use`, {
        cause,
        details: { device: path },
      });
    const isProtected = code === "EROFS" || code === "EPERM" || code === "EACCES";
    throw new InstallError(
      isProtected ? "INSTALL_DISK_READ_ONLY" : "INSTALL_DISK_FAILED",
      `${path} cannot be written (${code})`,
      {
        cause,
        details: { device: path },
      },
    );
  }
}
