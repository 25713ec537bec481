/** What a slot brings for the folders that outlive it, as its first program will copy it. Source: boot/image/init, "bring" */
import { systemCode } from "@rancheros/protocol/errors";
import { lstatSync, readdirSync, readFileSync, statfsSync, type Dirent, type Stats } from "node:fs";
import { setImmediate } from "node:timers/promises";

import { entryBytes, folderBlocks } from "../folder-blocks.ts";
import { releaseSum } from "../release-sum.ts";
import type { SlotName } from "../slot.ts";
import type { StateRoom } from "../state-room.ts";
import { nothingOr, readable } from "./readable.ts";

/** Where the first program mounts ROS_STATE. */
const STATE = "run/rancheros-state";
/** Below ROS_STATE, and below a slot's root. A test holds them against the first program. */
export const LASTING_FOLDERS: readonly (readonly [inState: string, inSlot: string])[] = [
  ["var", "var"],
  ["root", "root"],
  ["home", "home"],
  ["opt", "opt"],
  ["srv", "srv"],
  ["usr-local", "usr/local"],
];
/** Of the image itself, mounted where they are: nothing in them is copied a second time. */
const RECORDS: ReadonlySet<string> = new Set(["/lib/dpkg", "/lib/rpm"]);
/** In the slot, where the first program reads it. */
const RELEASE = "usr/lib/rancheros-release";
const RELEASE_MAX_BYTES = 64 * 1024;
/** Sizes are counted in these by ext4. Source: stat(2), st_blocks */
const SECTOR_BYTES = 512;
/** What each start makes besides: the word that the release was brought, and what an overlay tries out in its folder of work. */
const START_FILES = 8;

/** Looks at so many entries without letting anybody else work: a /var may have a million of them, and a watchdog waits for us. */
const AT_ONCE = 1_000;

interface Amount {
  readonly bytes: number;
  readonly files: number;
}

/**
 * @param slotFolder  where the slot is mounted
 * @returns undefined where the machine has no such state
 * @throws the signal's reason; SlotError SLOT_UNREADABLE
 */
export async function broughtRoom(
  hostRoot: string,
  slot: SlotName,
  slotFolder: string,
  signal: AbortSignal,
): Promise<StateRoom | undefined> {
  const state = `${hostRoot}/${STATE}`;
  const free = isFolder(state) ? readable(state, () => statfsSync(state)) : undefined;
  if (free === undefined) return undefined;
  // What ext4 keeps for root is not among it: that is the margin.
  const { bavail, bsize, files, ffree } = free;
  const isBrought = hasBrought(state, slot, slotFolder);
  const lasting = { bytes: 0, files: 0 };
  const most = { bytes: 0, files: 0 };
  for (const [inState, inSlot] of LASTING_FOLDERS) {
    const from = `${slotFolder}/${inSlot}`;
    const to = `${state}/${inState}`;
    const isThere = isFolder(to);
    if (!isFolder(from) || (isThere && isBrought)) continue;
    const left = isThere && inState === "var" ? RECORDS : new Set<string>();
    const { stays, beside } = await missing({ from, to, isThere, left, blockBytes: bsize, signal });
    // One folder after the other: what was beside the first is gone when the second comes.
    for (const what of ["bytes", "files"] as const) {
      lasting[what] += stays[what];
      most[what] = Math.max(most[what], lasting[what] + beside[what]);
    }
  }
  return {
    neededBytes: most.bytes,
    freeBytes: bavail * bsize,
    neededFiles: most.files + START_FILES,
    freeFiles: files === 0 ? undefined : ffree,
  };
}

/** A start of this slot has brought this release already: what the machine has taken away since stays away. */
function hasBrought(state: string, slot: SlotName, slotFolder: string): boolean {
  const seeded = readSmall(`${state}/seeded-${slot}`);
  return seeded?.toString("latin1").trimEnd() === releaseSum(readSmall(`${slotFolder}/${RELEASE}`) ?? Buffer.alloc(0));
}

interface Counting {
  readonly from: string;
  readonly to: string;
  /** Whether the machine has the folder: what it lacks below is made beside first, else all of it is moved into its place. */
  readonly isThere: boolean;
  /** Folders below, of which the first program brings nothing but themselves. */
  readonly left: ReadonlySet<string>;
  /** Of the machine's state. */
  readonly blockBytes: number;
  readonly signal: AbortSignal;
}

interface Missing {
  /** In its place in the end. */
  readonly stays: Amount;
  /** Gone when the next folder comes. */
  readonly beside: Amount;
}

/** All that the machine does not have, and beside it the folders that lead there; what has several names, once. */
async function missing({ from, to, isThere, left, blockBytes, signal }: Counting): Promise<Missing> {
  const stays = { bytes: 0, files: 0 };
  const beside = { bytes: 0, files: 0 };
  const counted = new Set<number>();
  const leading = leadingFolders(isThere);
  const add = (where: typeof stays, blocks: number, files: number): void => {
    where.bytes += blocks * blockBytes;
    where.files += files;
  };
  const addFile = (where: typeof stays, path: string): void => {
    leading.add(path, false);
    const { ino, nlink, blocks } = look(`${from}${path}`) ?? { ino: 0, nlink: 0, blocks: 0 };
    if (counted.has(ino)) return;
    if (nlink > 1) counted.add(ino);
    add(where, Math.ceil((blocks * SECTOR_BYTES) / blockBytes), 1);
  };
  const addFolder = (names: Names, target: Stats | undefined, isBarred: boolean): void => {
    if (isBarred) add(beside, folderBlocks(names.bytes, blockBytes), 1);
    else if (target === undefined) add(stays, folderBlocks(names.bytes, blockBytes), 1);
    // One of a single block that becomes too small gets an index as well.
    else if (names.newBytes > 0) add(stays, folderBlocks(names.newBytes, blockBytes) + 1, 0);
  };
  let looked = 0;
  const folders = [{ path: "", isBarred: false }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const target = isThere ? look(`${to}${folder.path}`) : undefined;
    // Something else lies where a folder should be: what was made beside is not moved from there.
    const isBarred = folder.isBarred || target?.isDirectory() === false;
    leading.add(folder.path, target !== undefined && !isBarred);
    const names: Names = { bytes: 0, newBytes: 0 };
    for (const entry of left.has(folder.path) ? [] : entriesOf(`${from}${folder.path}`)) {
      const path = `${folder.path}/${entry.name}`;
      const isNew = target === undefined || look(`${to}${path}`) === undefined;
      if (entry.isDirectory()) folders.push({ path, isBarred });
      else if (isNew) addFile(isBarred ? beside : stays, path);
      addName(names, entry, isNew);
      if (++looked % AT_ONCE > 0) continue;
      await setImmediate();
      signal.throwIfAborted();
    }
    addFolder(names, target, isBarred);
  }
  for (const bytes of leading.sizes()) add(beside, folderBlocks(bytes, blockBytes), 1);
  return { stays, beside };
}

interface LeadingFolders {
  /** Folders before what is in them. */
  readonly add: (path: string, isInPlace: boolean) => void;
  /** The bytes of the names in each. */
  readonly sizes: () => Iterable<number>;
}

/**
 * Folders that the machine has are made beside too, where they lead to something new; the first of them always.
 * @param isThere  whether the machine has any of them
 */
function leadingFolders(isThere: boolean): LeadingFolders {
  const inPlace = new Set<string>();
  const bytesIn = new Map(isThere ? [["", 0]] : []);
  const lead = (path: string): void => {
    const end = path.lastIndexOf("/");
    const folder = path.slice(0, Math.max(end, 0));
    if (!inPlace.has(folder)) return;
    const before = bytesIn.get(folder);
    bytesIn.set(folder, (before ?? 0) + entryBytes(path.slice(end + 1)));
    if (before === undefined) lead(folder);
  };
  return {
    add(path, isInPlace) {
      if (isInPlace) inPlace.add(path);
      else lead(path);
    },
    sizes: () => bytesIn.values(),
  };
}

/** Of what a folder is to hold: entries that are made beside, and those that the machine does not have. */
interface Names {
  bytes: number;
  newBytes: number;
}

function addName(names: Names, entry: Dirent, isNew: boolean): void {
  const bytes = entryBytes(entry.name);
  if (entry.isDirectory() || isNew) names.bytes += bytes;
  if (isNew) names.newBytes += bytes;
}

function isFolder(path: string): boolean {
  return look(path)?.isDirectory() === true;
}

/** @returns undefined where nothing is, or something that is no folder, or leads in a circle, is on the way */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (cause) {
    return systemCode(cause) === "ELOOP" ? undefined : nothingOr(path, cause);
  }
}

function entriesOf(path: string): readonly Dirent[] {
  return readable(path, () => readdirSync(path, { withFileTypes: true })) ?? [];
}

/** @returns undefined where it is no file, or a larger one */
function readSmall(path: string): Buffer | undefined {
  const found = look(path);
  if (found?.isFile() !== true || found.size > RELEASE_MAX_BYTES) return undefined;
  return readable(path, () => readFileSync(path));
}
