/** Looks whether a disk holds an installation that came to its end: nothing is mounted, and nothing written. */
import { open } from "node:fs/promises";

import {
  GRUB_ENVIRONMENT_BYTES,
  peekFile,
  peekStamp,
  runProgram,
  SlotError,
  type SlotErrorCode,
} from "../../slots/index.ts";
import { readInstallRecord, RECORD_FILE, RECORD_MAX_BYTES } from "../install-record.ts";
import {
  installationParts,
  judgeLoaders,
  shownReference,
  startingSlots,
  type Installation,
  type InstallationParts,
  type LoadersFound,
} from "../judge-installation.ts";

const TIMEOUT_MS = 30_000;
const KILLED_MS = 2_000;
/** Of the first sector, before what belongs to the partition table. */
const CODE_BYTES = 440;
/** Of whatever processor: the disk may have been another machine's. */
const ANY_EFI = "BOOT*.EFI";
const NONE: Installation = { kind: "none" };
const UNRECORDED = { bootId: undefined, after: undefined, reinstall: undefined } as const;
/** What the disk is to blame for. A program that is missing would be on every disk. */
const UNCLEAR: ReadonlySet<SlotErrorCode> = new Set([
  "SLOT_TOOL_FAILED",
  "SLOT_TOOL_HANGS",
  "SLOT_TOOL_STUCK",
  "SLOT_UNREADABLE",
]);

/**
 * @param disk  such as /dev/sda; it may be in use
 * @throws SlotError SLOT_TOOL_MISSING, SLOT_INTERRUPTED
 */
export async function readInstallation(disk: string, signal: AbortSignal): Promise<Installation> {
  try {
    return await look(disk, signal);
  } catch (error) {
    if (error instanceof SlotError && UNCLEAR.has(error.code)) return { kind: "unclear", why: error.message };
    throw error;
  }
}

async function look(disk: string, signal: AbortSignal): Promise<Installation> {
  const parts = await partsOf(disk, signal);
  if (parts === undefined) return NONE;
  const loaders = await loadersOn(disk, parts, signal);
  // Whatever a killed installation has left elsewhere.
  if (!loaders.bios && loaders.efi === "missing") return NONE;
  const oem = at(disk, parts.oem);
  const words = await peekFile(oem, "/grub/grubenv", GRUB_ENVIRONMENT_BYTES * 4, signal);
  const text = await peekFile(oem, `/${RECORD_FILE}`, RECORD_MAX_BYTES, signal);
  const record = text === "none" ? undefined : readInstallRecord(text.toString("utf8"));
  const judged = judgeLoaders(record, words !== "none" || text !== "none", loaders);
  if (judged !== undefined) return judged;
  if (words === "none") return { kind: "unclear", why: "GRUB's words are missing on it" };
  const reference = await startingReference(disk, parts, words, signal);
  if (reference === undefined) return { kind: "unclear", why: "no slot of it says what it holds" };
  const { bootId, after, reinstall } = record ?? UNRECORDED;
  return { kind: "whole", reference: shownReference(reference), bootId, after, reinstall };
}

async function partsOf(disk: string, signal: AbortSignal): Promise<InstallationParts | undefined> {
  try {
    const json = await run("sfdisk", ["--json", disk], "fdisk", signal);
    return installationParts(json);
  } catch (error) {
    if (isSaying(error, /does not contain a recognized partition table/)) return undefined;
    throw error;
  }
}

/** @returns undefined where no slot that would start says that it holds a system */
async function startingReference(
  disk: string,
  parts: InstallationParts,
  words: Uint8Array,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const slot of startingSlots(words)) {
    const stamp = await peekStamp(at(disk, parts[slot]), signal);
    if (stamp === undefined)
      throw new SlotError("SLOT_UNREADABLE", `what slot ${slot} on ${disk} holds cannot be read`);
    if (stamp !== "none") return stamp.reference;
  }
  return undefined;
}

/**
 * @param fileName  of the boot loader for this machine's processor
 * @returns where ROS_ESP begins, in bytes; undefined where that boot loader is not there
 * @throws SlotError
 */
export async function findEfiLoader(disk: string, fileName: string, signal: AbortSignal): Promise<number | undefined> {
  const esp = (await partsOf(disk, signal))?.esp;
  return esp !== undefined && (await efiLoader(`${disk}@@${esp}`, fileName, signal)) === "there" ? esp : undefined;
}

async function loadersOn(disk: string, { esp }: InstallationParts, signal: AbortSignal): Promise<LoadersFound> {
  const efi = esp === undefined ? "unreadable" : await efiLoader(`${disk}@@${esp}`, ANY_EFI, signal);
  return { bios: await hasBootCode(disk), efi };
}

/** @param place  for mtools */
async function efiLoader(place: string, name: string, signal: AbortSignal): Promise<LoadersFound["efi"]> {
  try {
    await run("mdir", ["-b", "-i", place, `::/EFI/BOOT/${name}`], "mtools", signal);
    return "there";
  } catch (error) {
    if (isSaying(error, /not found/)) return "missing";
    // mtools has many words for what is no file system, or a part of one: where ROS_OEM is empty too, that is a killed installation.
    if (isSaying(error, /./)) return "unreadable";
    throw error;
  }
}

async function hasBootCode(disk: string): Promise<boolean> {
  const code = Buffer.alloc(CODE_BYTES);
  try {
    const handle = await open(disk, "r");
    try {
      await handle.read(code, 0, CODE_BYTES, 0);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SlotError("SLOT_UNREADABLE", `the first sector of ${disk} cannot be read: ${why}`, { cause });
  }
  return code.some((byte) => byte !== 0);
}

function run(program: string, args: readonly string[], from: string, signal: AbortSignal): Promise<string> {
  return runProgram({ program, args, from, signal, timeoutMs: TIMEOUT_MS, killedMs: KILLED_MS });
}

function isSaying(error: unknown, words: RegExp): boolean {
  return error instanceof SlotError && error.code === "SLOT_TOOL_FAILED" && words.test(error.message);
}

/** For debugfs: a partition that needs no path of its own. */
function at(disk: string, startBytes: number): string {
  return `${disk}?offset=${startBytes}`;
}
