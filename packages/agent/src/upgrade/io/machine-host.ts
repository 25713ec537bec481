/** The machine under an upgrade: its boot, its clock, its files, whether it is about to stop. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants, existsSync, readFileSync } from "node:fs";
import { access, open, readdir, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { bootSlotOf } from "../boot-slot.ts";
import { UpgradeError } from "../errors.ts";
import type { HostPort } from "../ports.ts";
import { absentOr } from "./absent.ts";
import { runChecks } from "./check-programs.ts";
import { readShutdown } from "./read-shutdown.ts";

export interface MachineHostOptions {
  /** Where the machine's / is. */
  readonly hostRoot: string;
  /** Of the journal. */
  readonly stateFolder: string;
  readonly checkTimeoutMs: number;
  readonly log: (message: string) => void;
}

/** For the journal and what belongs to it. */
const STATE_ROOM_BYTES = 64 * 1024 ** 2;
/** cos-upgrade makes a file of this size beside the two operating systems. Source: elemental-toolkit, cos.sh */
const SLOT_ROOM_BYTES = 3240 * 1024 ** 2;
const SLOT_FOLDERS = ["/run/initramfs/cos-state", "/run/cos/state"] as const;
/** What suc-upgrade binds into its own container. */
const NEEDED_FOLDERS = ["/dev", "/run"] as const;
/** Source: linux/magic.h: TMPFS_MAGIC, RAMFS_MAGIC */
const VOLATILE = new Set([0x01021994, 0x858458f6]);
const MODE_FOLDERS = ["/run/cos", "/run/elemental"] as const;
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const COMMAND_LINE = "/proc/cmdline";
const COMMAND_LINE_MAX = 16 * 1024;

export function machineHost(options: MachineHostOptions): HostPort {
  const below = (path: string): string => join(options.hostRoot, path);
  // One process lives in one boot.
  const bootId = firstText([below(BOOT_ID), BOOT_ID]).trim();
  return {
    now: () => ({ wallMs: Date.now(), bootId, uptimeMs: uptimeMs() }),
    random: Math.random,
    sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
    hostname,
    shutdown: () => readShutdown(options.hostRoot),
    async readBootSlot() {
      const commandLine = firstText([below(COMMAND_LINE), COMMAND_LINE]).slice(0, COMMAND_LINE_MAX);
      const modeFiles = await Promise.all(MODE_FOLDERS.map((folder) => readdir(below(folder)).catch(() => [])));
      return bootSlotOf({ commandLine, modeFiles: modeFiles.flat() });
    },
    readFile: (path, maxBytes) => readSome(below(path), maxBytes),
    async checkFolders() {
      for (const folder of NEEDED_FOLDERS) await requireFolder(below(folder));
      await requireRoom(options.stateFolder, STATE_ROOM_BYTES);
      await requireLasting(options.stateFolder);
      for (const folder of SLOT_FOLDERS) {
        const isThere = await access(below(folder)).then(
          () => true,
          (cause: unknown) => absentOr(below(folder), cause),
        );
        if (isThere === true) await requireRoom(below(folder), SLOT_ROOM_BYTES);
      }
    },
    runChecks: (signal) =>
      runChecks(below("/etc/rancheros/checks.d"), { timeoutMs: options.checkTimeoutMs, signal, log: options.log }),
  };
}

/** A host root that is a folder, as in a demonstration, may have its own. */
function firstText(paths: readonly string[]): string {
  for (const path of paths) {
    if (existsSync(path)) return readFileSync(path, "utf8");
  }
  return "";
}

/** CLOCK_BOOTTIME, which nobody sets and which goes on in suspend. Source: proc_uptime(5) */
function uptimeMs(): number {
  const seconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return Math.round(seconds * 1000);
}

async function readSome(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await open(path, "r").catch((cause: unknown) => absentOr(path, cause));
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    return systemCode(cause) === "EISDIR" ? undefined : absentOr(path, cause);
  } finally {
    await file.close();
  }
}

async function requireFolder(folder: string): Promise<void> {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (cause) {
    throw new UpgradeError("UPGRADE_MOUNT_MISSING", `the folder ${folder} is not there, or may not be read`, { cause });
  }
}

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    absentOr(folder, cause);
    throw new UpgradeError("UPGRADE_MOUNT_MISSING", `the folder ${folder} is not there`, { cause });
  });
  const freeBytes = bavail * bsize;
  if (freeBytes >= bytes) return;
  const mib = (count: number): number => Math.round(count / 1024 ** 2);
  const message = `${folder} has ${mib(freeBytes)} MiB free, and ${mib(bytes)} MiB are needed`;
  throw new UpgradeError("UPGRADE_NO_ROOM", message, { details: { folder, freeBytes } });
}

async function requireLasting(folder: string): Promise<void> {
  const { type } = await statfs(folder);
  if (!VOLATILE.has(type)) return;
  throw new UpgradeError("UPGRADE_STATE_VOLATILE", `${folder} lies in memory: nothing of it is left after a restart`);
}
