/** Installs an operating system: looks, decides, asks, and only then writes. The boot loader comes last: what was broken off does not start. */
import { hasCode, isCodedError, type CodedError } from "@rancheros/protocol/errors";

import {
  freshSlotWords,
  grubConfig,
  writeSlot,
  type SlotDisk,
  type SlotPlace,
  type SlotProgress,
  type SystemSource,
} from "../slots/index.ts";
import { chooseDisk, requireFit, type DiskChoice } from "./choose-disk.ts";
import { neededBytes, numberedPartition, planLayout, type DiskLayout } from "./disk-layout.ts";
import type { Disk, DiskRule } from "./disk.ts";
import { InstallError } from "./errors.ts";
import { guardedDisks, installationForPeople, whyKept, type ReadInstallation } from "./guard-installed.ts";
import { BOOT_LOADER_KINDS, RECORD_FILE, writeInstallRecord, type AfterInstall } from "./install-record.ts";
import type { BootLoader } from "./io/boot-loader.ts";
import type { Partitions } from "./io/target-disk.ts";
import type { Installation } from "./judge-installation.ts";
import type { PartitionTable } from "./parse-table.ts";
import { serialConsole } from "./serial-console.ts";
import type { Reinstall } from "./settings.ts";

export type InstallStep = "boot-loader" | "wipe" | "divide" | "format" | "system" | "configuration" | "start";

export type InstallProgress = { readonly step: InstallStep } | { readonly step: "system"; readonly slot: SlotProgress };

/** What is to become of the disk, before anything is written. */
export interface InstallPlan {
  readonly choice: DiskChoice;
  readonly layout: DiskLayout;
  /** What the disk holds now. */
  readonly installed: Installation;
  readonly source: string;
  readonly kernelArguments: string;
}

export interface InstallOutside {
  readonly listDisks: () => Promise<readonly Disk[]>;
  readonly readInstallation: ReadInstallation;
  /** Finds its configuration on the partition with this UUID. */
  readonly makeBootLoader: (oem: SlotPlace) => Promise<BootLoader>;
  /** What an earlier run, that was killed, has left mounted. */
  readonly clear: () => Promise<void>;
  readonly wipe: (disk: Disk) => Promise<void>;
  readonly divide: (
    disk: Disk,
    layout: DiskLayout,
  ) => Promise<{ readonly table: PartitionTable; readonly partitions: Partitions }>;
  readonly format: (partitions: Partitions, oemId: string, signal: AbortSignal) => Promise<void>;
  readonly openSlot: (partitions: Partitions, signal: AbortSignal) => SlotDisk;
  /** Files below /oem, for root only; and GRUB's words. */
  readonly writeOem: (
    partitions: Partitions,
    files: ReadonlyMap<string, string>,
    words: ReadonlyMap<string, string>,
  ) => Promise<void>;
  readonly installBoot: (
    disk: Disk,
    table: PartitionTable,
    partitions: Partitions,
    loader: BootLoader,
  ) => Promise<void>;
  /** Everything is on the disk, and nothing of it is held any more. */
  readonly release: (disk: Disk) => Promise<void>;
  readonly isThere: (disk: Disk) => boolean;
  readonly arch: string;
  /** Of this start of the machine. */
  readonly bootId: string;
  /** A random UUID. */
  readonly newId: () => string;
}

export interface InstallOptions {
  readonly rule: DiskRule;
  readonly source: SystemSource;
  /** What it takes, as far as it can be told before. */
  readonly systemBytes: number;
  readonly slotBytes: number | undefined;
  readonly kernelArguments: string;
  /** Somebody wants it, whatever is installed. */
  readonly isAsked: boolean;
  /** Whether it may erase an installed system where nobody does. */
  readonly reinstall: Reinstall;
  readonly after: AfterInstall;
  /** Below /oem. */
  readonly files: ReadonlyMap<string, string>;
  /** Whether the disk may be erased. @returns false for no */
  readonly confirm: (plan: InstallPlan) => Promise<boolean>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onPlan: (plan: InstallPlan) => void;
  readonly onProgress: (progress: InstallProgress) => void;
  /** What does not spoil the installation, and somebody should know. */
  readonly onWarning: (error: CodedError) => void;
}

const MENU_SECONDS = 1;
/** Each loads the whole of it. */
const SYSTEM_ATTEMPTS = 5;

/** @throws InstallError, SlotError, and what the source throws */
export async function installThrough(outside: InstallOutside, options: InstallOptions): Promise<InstallPlan> {
  const { rule, source, systemBytes, slotBytes, kernelArguments, dryRun } = options;
  if (!dryRun) await outside.clear();
  const wish = { slotBytes, systemBytes };
  const disks = await outside.listDisks();
  const choice = chooseDisk(disks, rule, neededBytes(wish));
  const layout = planLayout(choice.disk.sizeBytes, wish, outside.newId);
  const refusal = await refusalOf(outside, options, disks, choice.disk);
  // Before anything is said of erasing.
  if (refusal !== undefined && !dryRun) throw refusal;
  const installed = await installationForPeople(choice.disk, outside.readInstallation);
  const plan = { choice, layout, installed, source: source.reference, kernelArguments };
  options.onPlan(plan);
  if (refusal !== undefined) options.onWarning(refusal);
  if (dryRun) return plan;
  if (!(await options.confirm(plan))) throw new InstallError("INSTALL_DECLINED", `${choice.disk.path} was not erased`);
  // It may have been mounted while somebody thought about it.
  const now = await outside.listDisks();
  const disk = now.find((one) => isSameDisk(one, choice.disk));
  if (disk === undefined) throw vanished(choice.disk);
  requireFit(disk, neededBytes(wish));
  const late = await refusalOf(outside, options, now, disk);
  if (late !== undefined) throw late;
  try {
    await write(outside, options, plan);
  } catch (error) {
    // Whatever failed then, this is why.
    if (!outside.isThere(disk)) throw vanished(disk, error);
    throw error;
  } finally {
    await outside.release(disk).catch((cause: unknown) => options.onWarning(held(disk, cause)));
  }
  return plan;
}

/** @returns undefined where nothing is against it. @throws SlotError */
async function refusalOf(
  { readInstallation }: InstallOutside,
  { rule, isAsked, reinstall }: InstallOptions,
  disks: readonly Disk[],
  chosen: Disk,
): Promise<InstallError | undefined> {
  if (isAsked || reinstall.kind === "always") return undefined;
  return whyKept(guardedDisks(disks, rule, chosen), readInstallation, reinstall);
}

async function write(outside: InstallOutside, options: InstallOptions, { choice, layout }: InstallPlan): Promise<void> {
  const { files, kernelArguments, after, reinstall, signal, onProgress } = options;
  const { disk } = choice;
  // Before the disk is touched: without it all the rest is for nothing.
  onProgress({ step: "boot-loader" });
  const oem = numberedPartition(layout, "oem");
  const loader = await outside.makeBootLoader(oem);
  onProgress({ step: "wipe" });
  await outside.wipe(disk);
  onProgress({ step: "divide" });
  const { table, partitions } = await outside.divide(disk, layout);
  onProgress({ step: "format" });
  await outside.format(partitions, oem.id, signal);
  await writeSystem(outside, options, partitions);
  onProgress({ step: "configuration" });
  const config = grubConfig({
    serial: serialConsole(kernelArguments),
    timeoutSeconds: MENU_SECONDS,
    slots: { a: numberedPartition(layout, "a"), b: numberedPartition(layout, "b") },
  });
  const words = freshSlotWords({
    good: "a",
    try: undefined,
    reset: false,
    extra: kernelArguments,
    unproven: undefined,
  });
  const loaders = BOOT_LOADER_KINDS.filter((kind) => loader[kind] !== undefined);
  const name = reinstall.kind === "once" ? reinstall.name : undefined;
  const record = writeInstallRecord({ version: 1, bootId: outside.bootId, after, reinstall: name, loaders });
  const own = [
    ["grub/grub.cfg", config],
    [RECORD_FILE, record],
  ] as const;
  await outside.writeOem(partitions, new Map([...files, ...own]), words);
  onProgress({ step: "start" });
  await outside.installBoot(disk, table, partitions, loader);
}

/**
 * Whoever has sent a wrong layer is asked after all others as long as this process runs, and the next start would ask him
 * first again.
 */
async function writeSystem(outside: InstallOutside, options: InstallOptions, partitions: Partitions): Promise<void> {
  const { source, signal, onProgress, onWarning } = options;
  const known = new Set<string>();
  for (;;) {
    onProgress({ step: "system" });
    try {
      await writeSlot({
        disk: outside.openSlot(partitions, signal),
        source,
        arch: outside.arch,
        signal,
        onProgress: (slot) => onProgress({ step: "system", slot }),
      });
      return;
    } catch (error) {
      if (!isCodedError(error) || !hasCode(error, "IMAGE_DIGEST_WRONG")) throw error;
      // It names the layer and the sender: the same once more means that nobody has another.
      if (known.has(error.message) || known.size + 1 === SYSTEM_ATTEMPTS) throw error;
      known.add(error.message);
      onWarning(error);
    }
  }
}

function held({ path }: Disk, cause: unknown): InstallError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InstallError("INSTALL_DISK_HELD", `${path} is still held by this system: ${why}`, {
    cause,
    details: { device: path },
  });
}

/** Another one may have come to this path meanwhile. */
function isSameDisk(one: Disk, other: Disk): boolean {
  return one.path === other.path && one.serial === other.serial && one.sizeBytes === other.sizeBytes;
}

function vanished({ path }: Disk, cause?: unknown): InstallError {
  const why = isCodedError(cause) ? `: ${cause.message}` : "";
  return new InstallError("INSTALL_DISK_VANISHED", `${path} is not there any more${why}`, {
    cause,
    details: { device: path },
  });
}
