/** Installation of an operating system onto a disk of this machine. */
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";

import { takeLock } from "../service/index.ts";
import { clearMounts, PARTITIONS, slotDisk } from "../slots/index.ts";
import { InstallError } from "./errors.ts";
import { installThrough, type InstallOptions, type InstallPlan } from "./install-machine.ts";
import { makeBootLoader } from "./io/boot-loader.ts";
import { listDisks } from "./io/list-disks.ts";
import { writeOemFiles } from "./io/oem-files.ts";
import {
  detachLoops,
  divideDisk,
  installBiosBoot,
  installEfiBoot,
  isDiskThere,
  makeFileSystems,
  wipeDisk,
} from "./io/target-disk.ts";

/**
 * @param workFolder  where file systems are mounted meanwhile; a lock lies beside it
 * @throws InstallError, SlotError, and what the source throws
 */
export async function installMachine(options: InstallOptions, workFolder: string): Promise<InstallPlan> {
  if (options.dryRun) return installInto(options, workFolder);
  // A service and people at several consoles may begin at the same time; each would unmount what the other one fills.
  const lock = takeLock(`${resolve(workFolder)}.lock`);
  if (lock === undefined) throw new InstallError("INSTALL_BUSY", "this machine is being installed already");
  try {
    return await installInto(options, workFolder);
  } finally {
    lock.release();
  }
}

function installInto(options: InstallOptions, workFolder: string): Promise<InstallPlan> {
  // What is unmounted and removed in it is ours, whichever folder somebody names.
  const folder = join(workFolder, "ros-agent-install");
  return installThrough(
    {
      arch: process.arch,
      listDisks,
      newId: randomUUID,
      makeBootLoader: (oem) => makeBootLoader(process.arch, oem),
      clear: () => clearMounts(folder),
      wipe: ({ path, sizeBytes }) => wipeDisk(path, sizeBytes),
      divide: ({ path }, layout) => divideDisk(path, layout),
      format: makeFileSystems,
      openSlot: ({ a: device }, signal) =>
        slotDisk({ device, label: PARTITIONS.a, mountFolder: join(folder, "slot"), nowMs: Date.now, signal }),
      writeOem: ({ oem }, files, words) => writeOemFiles(oem, join(folder, "oem"), files, words),
      async installBoot({ path }, table, { esp }, { efi, bios }) {
        if (efi !== undefined) await installEfiBoot(esp, efi.image, efi.fileName);
        if (bios !== undefined) await installBiosBoot(path, table, bios);
      },
      async release({ path }) {
        await clearMounts(folder);
        await detachLoops(path);
      },
      isThere: ({ path }) => isDiskThere(path),
    },
    options,
  );
}

export type { DiskChoice } from "./choose-disk.ts";
export { sizeText } from "./disk.ts";
export type { Disk, DiskRule } from "./disk.ts";
export { INSTALL_ERRORS, InstallError } from "./errors.ts";
export type { InstallErrorCode } from "./errors.ts";
export type { InstallOptions, InstallPlan, InstallProgress } from "./install-machine.ts";
export { fetchDocument } from "./io/fetch-document.ts";
export { findLiveRoot, kernelCommandLine, liveSource, treeBytes } from "./io/live-system.ts";
export { consoleArguments } from "./serial-console.ts";
export { readSettings } from "./settings.ts";
export type { InstallSettings } from "./settings.ts";
export { documentFields, kernelFields, mergeFields } from "./settings-fields.ts";
export type { SettingsFields } from "./settings-fields.ts";
