/** One installation of this machine at a time, and none that nobody asked for after one that went well in this boot. */
import { systemCode } from "@rancheros/protocol/errors";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { FilesError, replaceFile, whyRefused } from "../../files/index.ts";
import { shareLock, takeLock, type AgentLock } from "../../service/index.ts";
import { InstallError } from "../errors.ts";
import type { AfterInstall } from "../install-record.ts";

/** Held to the end of the process: what is collected as garbage lets go of its lock. */
const kept: AgentLock[] = [];

/**
 * A service and people at several consoles may begin at the same time; each would unmount what the other one fills. After
 * success the lock stays until this process has asked for the restart and ended.
 * @param workFolder  lock and mark lie beside it
 * @param isAsked     a person or a flag wants it, whatever was installed before
 * @param onWarning   told where no mark could be left: what was installed is installed all the same
 * @throws InstallError INSTALL_BUSY, and what the work throws
 */
export async function installLocked<T>(
  workFolder: string,
  {
    after,
    isAsked,
    onWarning,
  }: {
    readonly after: AfterInstall;
    readonly isAsked: boolean;
    readonly onWarning: (error: InstallError) => void;
  },
  work: () => Promise<T>,
): Promise<T> {
  const lock = takeInstallLock(workFolder);
  let result: T;
  try {
    if (!isAsked && (await readInstalled(workFolder)) !== undefined) {
      throw new InstallError("INSTALL_BUSY", "this machine has been installed meanwhile");
    }
    result = await work();
  } catch (error) {
    lock.release();
    throw error;
  }
  kept.push(lock);
  const mark = markOf(workFolder);
  try {
    await replaceFile(mark, `${bootId()} ${after ?? "stays"}\n`);
  } catch (cause) {
    const message = `this machine is installed, and ${mark}, which says so, cannot be written`;
    onWarning(new InstallError("INSTALL_MARK_UNSAVED", message, { cause }));
  }
  return result;
}

/**
 * The machine is about to be restarted: nobody may be in the midst of an installation, or of what comes before one at a console,
 * nor begin it. After success the locks stay.
 * @throws InstallError INSTALL_BUSY, and what the work throws
 */
export async function holdInstallation<T>(workFolder: string, work: () => Promise<T>): Promise<T> {
  const locks = [takeInstallLock(workFolder)];
  try {
    locks.push(takeUnattended(workFolder));
    const result = await work();
    kept.push(...locks);
    return result;
  } catch (error) {
    for (const lock of locks) lock.release();
    throw error;
  }
}

/** @throws InstallError INSTALL_BUSY where somebody is at it now */
export function requireUnattended(workFolder: string): void {
  takeUnattended(workFolder).release();
}

/**
 * Somebody installs this machine by hand: is asked, registers, and has nothing on a disk yet for a long time. The machine is
 * not restarted meanwhile; several may be at it, at a console each.
 * @throws InstallError INSTALL_BUSY where it is about to be restarted, and what the work throws
 */
export async function attendInstallation<T>(workFolder: string, work: () => Promise<T>): Promise<T> {
  const lock = shareLock(attendedLock(workFolder));
  if (lock === undefined) throw new InstallError("INSTALL_BUSY", "this machine is about to restart from its disk");
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function takeUnattended(workFolder: string): AgentLock {
  const lock = takeLock(attendedLock(workFolder));
  if (lock === undefined) throw new InstallError("INSTALL_BUSY", "somebody is installing this machine by hand");
  return lock;
}

function attendedLock(workFolder: string): string {
  return `${resolve(workFolder)}.attended.lock`;
}

function takeInstallLock(workFolder: string): AgentLock {
  const lock = takeLock(`${resolve(workFolder)}.lock`);
  if (lock === undefined) throw new InstallError("INSTALL_BUSY", "this machine is being installed already");
  return lock;
}

/** @returns undefined where nothing has been installed since this machine was started. @throws FilesError FILES_UNREADABLE */
export async function readInstalled(workFolder: string): Promise<{ readonly after: AfterInstall } | undefined> {
  const text = await readFile(markOf(workFolder), "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    const path = markOf(workFolder);
    throw new FilesError("FILES_UNREADABLE", `${path} cannot be read: ${whyRefused(error)}`, {
      cause: error,
      details: { path },
    });
  });
  if (text === undefined) return undefined;
  const [boot, after] = text.trim().split(" ");
  // A folder that outlives the live system may have been named.
  if (boot !== bootId()) return undefined;
  return { after: after === "reboot" || after === "poweroff" ? after : undefined };
}

function markOf(workFolder: string): string {
  return `${resolve(workFolder)}.installed`;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
