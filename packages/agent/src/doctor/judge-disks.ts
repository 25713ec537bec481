/** Whether the machine's file systems have room, and its state a place that lasts. */
import { UpgradeError } from "../upgrade/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

/** What a folder is for decides how much room it needs, and whether it is written all the time; a configuration is not. */
export type FileSystemUse = "state" | "data" | "configuration";

export interface FileSystem {
  /** The folder that was asked about. */
  readonly path: string;
  readonly use: FileSystemUse;
  readonly totalBytes: number;
  /** For programs that are not root. */
  readonly freeBytes: number;
  /** Undefined where the file system counts none. */
  readonly freeFilesShare: number | undefined;
  readonly isReadOnly: boolean;
  /** It is gone after a restart. */
  readonly isVolatile: boolean;
}

/** It is there, and answers with an error. */
export interface UnreadableFileSystem {
  /** The folder that was asked about. */
  readonly path: string;
  /** What was asked, and the kernel's word: `EIO: i/o error, statfs '/oem'`. */
  readonly failure: string;
}

/** As an upgrade asks for before it begins. */
const STATE_ROOM_BYTES = 64 * 1024 ** 2;
/** Below both of them somebody should look. */
const SCARCE_SHARE = 0.05;
const SCARCE_BYTES = 1024 ** 3;
const FULL_BYTES = 16 * 1024 ** 2;
const SCARCE_FILES_SHARE = 0.02;

/**
 * @throws UpgradeError UPGRADE_NO_ROOM, UPGRADE_STATE_VOLATILE;
 *   DoctorError DOCTOR_DISK_UNREADABLE, DOCTOR_DISK_READ_ONLY, DOCTOR_DISK_FULL
 */
export function judgeDisks(found: readonly (FileSystem | UnreadableFileSystem)[]): Verdict<undefined> {
  const unreadable = found.filter((one) => "failure" in one);
  if (unreadable.length > 0) {
    const message = unreadable
      .map(({ path, failure }) => `${path} does not say what room it has: ${failure}`)
      .join("; ");
    throw new DoctorError("DOCTOR_DISK_UNREADABLE", message, { details: { path: unreadable[0]?.path ?? "" } });
  }
  const systems = found.filter((one): one is FileSystem => !("failure" in one));
  for (const system of systems) if (system.use === "state") requireState(system);
  // A system that is only read has the size of what is on it.
  const written = systems.filter(({ isReadOnly }) => !isReadOnly);
  const full = written.find(({ freeBytes, freeFilesShare }) => freeBytes < FULL_BYTES || freeFilesShare === 0);
  if (full !== undefined)
    throw new DoctorError("DOCTOR_DISK_FULL", `${roomText(full)}: it is full`, { details: { path: full.path } });
  const stuck = systems.filter(({ use, isReadOnly }) => use === "data" && isReadOnly).map(({ path }) => path);
  if (stuck.length > 0) {
    return warn(
      new DoctorError("DOCTOR_DISK_READ_ONLY", `${stuck.join(", ")}: mounted read-only`, {
        details: { path: stuck[0] ?? "" },
      }),
    );
  }
  const scarce = written.filter(isScarce);
  if (scarce.length > 0) {
    return warn(new DoctorError("DOCTOR_DISK_FULL", scarce.map(roomText).join("; ")));
  }
  return ok(systems.map(roomText).join("; "));
}

function requireState({ path, isReadOnly, isVolatile, freeBytes }: FileSystem): void {
  const details = { path };
  if (isReadOnly)
    throw new DoctorError("DOCTOR_DISK_READ_ONLY", `${path} is on a file system that is mounted read-only`, {
      details,
    });
  if (isVolatile) {
    throw new UpgradeError("UPGRADE_STATE_VOLATILE", `${path} lies in memory: nothing of it is left after a restart`, {
      details,
    });
  }
  if (freeBytes >= STATE_ROOM_BYTES) return;
  const message = `${path} has ${mib(freeBytes)} MiB free, and ${mib(STATE_ROOM_BYTES)} MiB are needed`;
  throw new UpgradeError("UPGRADE_NO_ROOM", message, { details });
}

function isScarce({ totalBytes, freeBytes, freeFilesShare = 1 }: FileSystem): boolean {
  return (freeBytes < totalBytes * SCARCE_SHARE && freeBytes < SCARCE_BYTES) || freeFilesShare < SCARCE_FILES_SHARE;
}

function roomText({ path, totalBytes, freeBytes, freeFilesShare = 1 }: FileSystem): string {
  const files = freeFilesShare < SCARCE_FILES_SHARE ? ", hardly any further files" : "";
  return `${path} ${sizeText(freeBytes)} of ${sizeText(totalBytes)} free${files}`;
}

function sizeText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${mib(bytes)} MiB`;
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
