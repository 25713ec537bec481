/** Makes, mounts and checks the file systems of slots. */
import { systemCode } from "@rancheros/protocol/errors";
import { mkdirSync, readFileSync, realpathSync } from "node:fs";
import { open, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { SlotError } from "../errors.ts";
import { runProgram } from "./run-program.ts";
import { sectorBytes } from "./sector-bytes.ts";

const MKFS_TIMEOUT_MS = 300_000;
const SYNC_TIMEOUT_MS = 600_000;
/** A container that starts has all mounts of the machine for a moment, and with them their disks. */
const BUSY_PATIENCE_MS = 30_000;
const BUSY_LOOK_MS = 250;
/** Source: util-linux, mount(8); e2fsprogs, misc/util.c check_mount */
const BUSY = /already mounted|busy|in use by the system/i;

/** What GRUB 2.06 can read: it knows nothing of a checksum seed of its own. */
const EXT4 = ["-q", "-F", "-i", "8192", "-O", "^metadata_csum_seed"] as const;
/** Each byte is for what is written into it at once, and nothing grows later. */
const NO_RESERVE = ["-m", "0"] as const;
/**
 * Something is kept for root, which what a slot brings is not counted into; and it is not discarded first, as that may take a large
 * disk longer than anybody waits. A reset makes the same, which a test holds. Source: ./brought.ts; boot/image/init
 */
const STATE = ["-m", "1", "-E", "nodiscard"] as const;

/** Of FAT: no sector of a disk has more. */
const CLUSTER_BYTES = 4096;

/**
 * @param id  its UUID; without, it gets a random one
 * @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED
 */
export async function makeExt4(device: string, label: string, signal: AbortSignal, id?: string): Promise<void> {
  await untilFree(() => runExt4([...ext4Words(label, id), device], signal));
}

/**
 * The file system of everything that outlives a slot.
 * @throws SlotError as `makeExt4`
 */
export async function makeStateExt4(device: string, label: string, signal: AbortSignal): Promise<void> {
  await untilFree(() => runExt4([...EXT4, ...STATE, "-L", label, device], signal));
}

/**
 * Does all but write: whether the program is there, and the device free and writable.
 * @throws SlotError as `makeExt4`
 */
export async function requireExt4Possible(device: string, label: string, signal: AbortSignal): Promise<void> {
  await untilFree(() => runExt4(["-n", ...ext4Words(label), device], signal));
}

function ext4Words(label: string, id?: string): readonly string[] {
  return [...EXT4, ...NO_RESERVE, "-L", label, ...(id === undefined ? [] : ["-U", id])];
}

function runExt4(args: readonly string[], signal: AbortSignal): Promise<string> {
  return runProgram({ program: "mkfs.ext4", args, timeoutMs: MKFS_TIMEOUT_MS, signal, from: "e2fsprogs" });
}

/**
 * FAT32, which is all that firmware has to know on a disk. Source: UEFI specification, "System Partition"
 * @param device  of 260 MiB at least: with fewer clusters it is none, where a sector has 4096 bytes
 * @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED
 */
export async function makeFat32(device: string, label: string, signal: AbortSignal): Promise<void> {
  const sectors = Math.max(1, CLUSTER_BYTES / (await sectorBytes(device)));
  await runProgram({
    program: "mkfs.vfat",
    args: ["-F", "32", "-s", String(sectors), "-n", label, device],
    timeoutMs: MKFS_TIMEOUT_MS,
    signal,
    from: "dosfstools",
  });
}

/**
 * Seen by nobody who takes folders above it along, as a container with the machine's / does: he would hold the file system when we
 * have let go of it.
 * @throws SlotError
 */
export async function mount(device: string, folder: string, options: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await untilFree(() => runProgram({ program: "mount", args: ["-o", options, device, folder], from: "mount" }));
  await runProgram({ program: "mount", args: ["--make-unbindable", folder], from: "mount" });
}

/** @throws what the last attempt threw, when the patience is over */
async function untilFree(attempt: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      const isBusy = error instanceof SlotError && error.code === "SLOT_TOOL_FAILED" && BUSY.test(error.message);
      if (!isBusy || performance.now() - begun >= BUSY_PATIENCE_MS) throw error;
      await sleep(BUSY_LOOK_MS);
    }
  }
}

/** Nothing to do where nothing is mounted. @throws SlotError */
export async function unmount(folder: string): Promise<void> {
  while (isMounted(folder))
    await runProgram({ program: "umount", args: [folder], timeoutMs: SYNC_TIMEOUT_MS, from: "mount" });
}

/** All below a folder that an earlier, killed run has left mounted; empty folders go with it, and nothing else does. */
export async function clearMounts(folder: string): Promise<void> {
  const real = realPath(folder);
  for (const point of mountPoints()
    .filter((one) => one === real || one.startsWith(`${real}/`))
    .reverse()) {
    await unmount(point);
  }
  const names = await readdir(real).catch(() => []);
  for (const one of [...names.map((name) => join(real, name)), real]) await rmdir(one).catch(onlyWhereKept);
}

/** It was not there, or holds something: that is not ours. */
function onlyWhereKept(cause: unknown): void {
  const code = systemCode(cause);
  if (["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(code)) return;
  throw new SlotError("SLOT_WRITE_FAILED", "a folder where file systems are mounted cannot be removed", { cause });
}

/** Everything on the disk. @throws SlotError SLOT_WRITE_FAILED */
export async function syncFileSystem(folder: string): Promise<void> {
  await runProgram({ program: "sync", args: ["-f", folder], timeoutMs: SYNC_TIMEOUT_MS, from: "coreutils" });
}

/** What is read next comes from the disk. */
export async function forgetCache(device: string): Promise<void> {
  const handle = await open(device, "r+").catch((cause: unknown) => {
    throw new SlotError("SLOT_WRITE_FAILED", `${device} cannot be opened`, { cause });
  });
  try {
    // The device's own cache too is told to put everything down: here a dying disk says so.
    await handle.sync().catch((cause: unknown) => {
      const message = `${device} does not put down what was written (${systemCode(cause)})`;
      throw new SlotError("SLOT_WRITE_FAILED", message, { cause });
    });
  } finally {
    await handle.close();
  }
  await runProgram({
    program: "blockdev",
    args: ["--flushbufs", device],
    timeoutMs: SYNC_TIMEOUT_MS,
    from: "util-linux",
  });
}

export function isMounted(folder: string): boolean {
  return mountPoints().includes(realPath(folder));
}

/** As the kernel names it, links followed. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** In the order in which they were mounted. Source: proc_pid_mountinfo(5) */
function mountPoints(): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_all, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );
}
