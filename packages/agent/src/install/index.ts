/** Installation of an operating system onto a disk of this machine. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { firmwareVariables } from "../firmware/index.ts";
import { bootMoment, clearMounts, PARTITIONS, slotDisk } from "../slots/index.ts";
import { installThrough, type InstallOptions, type InstallPlan } from "./install-machine.ts";
import type { AfterInstall } from "./install-record.ts";
import { makeBootLoader } from "./io/boot-loader.ts";
import { findLoader } from "./io/find-loader.ts";
import { holdInstallation, installLocked, requireUnattended } from "./io/install-lock.ts";
import { listDisks } from "./io/list-disks.ts";
import { writeOemFiles } from "./io/oem-files.ts";
import { readInstallation } from "./io/read-installation.ts";
import {
  detachLoops,
  divideDisk,
  installBiosBoot,
  installEfiBoot,
  isDiskThere,
  makeFileSystems,
  wipeDisk,
} from "./io/target-disk.ts";
import { clearWorkFolder } from "./io/work-files.ts";
import { startThrough, type InstalledStart, type StartInstalledOptions } from "./start-installed.ts";

/**
 * @param workFolder  where file systems are mounted meanwhile; a lock lies beside it, and what was installed in this boot
 * @param how         what follows, and whether anybody wants it: unasked nothing is installed twice in a boot
 * @throws InstallError, SlotError, and what the source throws
 */
export function installMachine(
  options: Omit<InstallOptions, "after" | "isAsked">,
  workFolder: string,
  how: { readonly after: AfterInstall; readonly isAsked: boolean },
): Promise<InstallPlan> {
  const { onWarning } = options;
  const install = (): Promise<InstallPlan> => installInto({ ...options, ...how }, workFolder);
  return options.dryRun ? install() : installLocked(workFolder, { ...how, onWarning }, install);
}

function installInto(options: InstallOptions, workFolder: string): Promise<InstallPlan> {
  // What is unmounted and removed in it is ours, whichever folder somebody names.
  const folder = join(workFolder, "ros-agent-install");
  return installThrough(
    {
      arch: process.arch,
      bootId: bootMoment().bootId,
      listDisks,
      readInstallation: ({ path }) => readInstallation(path, options.signal),
      newId: randomUUID,
      makeBootLoader: (oem) => makeBootLoader(process.arch, oem, folder),
      clear: () => clearWorkFolder(folder),
      wipe: ({ path, sizeBytes }) => wipeDisk(path, sizeBytes),
      divide: ({ path }, layout) => divideDisk(path, layout),
      format: makeFileSystems,
      openSlot: ({ a: device }, signal) =>
        slotDisk({ device, label: PARTITIONS.a, mountFolder: join(folder, "slot"), nowMs: Date.now, signal }),
      writeOem: ({ oem }, files, words) => writeOemFiles(oem, join(folder, "oem"), files, words),
      async installBoot({ path }, table, { esp }, { efi, bios }) {
        // In the order of BOOT_LOADER_KINDS: by the last one an installation that came to its end is known.
        if (efi !== undefined) await installEfiBoot(esp, efi, folder);
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

/**
 * After it went well nobody else installs until the end of the process, which restarts the machine.
 * @throws InstallError INSTALL_DISK_INSTALLED, INSTALL_BUSY, and what `announce` throws; SlotError
 */
export function startInstalled(
  options: StartInstalledOptions,
  workFolder: string,
  signal: AbortSignal,
): Promise<InstalledStart> {
  return startThrough(
    {
      listDisks,
      readInstallation: ({ path }) => readInstallation(path, signal),
      variables: firmwareVariables("/"),
      findLoader: ({ path }) => findLoader(path, signal),
      requireUnattended: () => requireUnattended(workFolder),
      hold: (work) => holdInstallation(workFolder, work),
      moment() {
        const { bootId, uptimeMs } = bootMoment();
        const nowMs = Date.now();
        return { bootId, nowMs, startedAtMs: nowMs - uptimeMs() };
      },
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
export { attendInstallation, readInstalled } from "./io/install-lock.ts";
export { findInstalledNow } from "./io/installed-now.ts";
export { refuseInstalled } from "./io/refuse-installed.ts";
export type { AfterInstall } from "./install-record.ts";
export { findLiveRoot, kernelCommandLine, liveSource, treeBytes } from "./io/live-system.ts";
export type { Installation } from "./judge-installation.ts";
export { judgeDocument, judgeKernelWords, judgeSections } from "./judge-document.ts";
export type { DocumentProblem } from "./judge-document.ts";
export type { InstalledStart } from "./start-installed.ts";
export { consoleArguments } from "./serial-console.ts";
export { invalidSettings, readSettings } from "./settings.ts";
export type { InstallSettings } from "./settings.ts";
export { documentFields, isMap, kernelFields, mergeFields, plainName } from "./settings-fields.ts";
export type { SettingsFields } from "./settings-fields.ts";
