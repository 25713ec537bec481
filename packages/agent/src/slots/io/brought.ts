/** What a slot brings for the folders that outlive it, as its first program will copy it. Source: boot/image/init, "bring" */
import { lstatSync, readdirSync, statfsSync, type Stats } from "node:fs";
import { setImmediate } from "node:timers/promises";

import type { StateRoom } from "../state-room.ts";

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
/** Of the image itself, mounted where they are: nothing of them is copied a second time. */
const RECORDS: ReadonlySet<string> = new Set(["lib/dpkg", "lib/rpm"]);
/** Sizes are counted in these by ext4. Source: stat(2), st_blocks */
const BLOCK_BYTES = 512;

/** Looks at so many entries without letting anybody else work: a /var may have a million of them, and a watchdog waits for us. */
const AT_ONCE = 1_000;

/**
 * @param slotFolder  where the slot is mounted
 * @returns undefined where the machine has no such state
 * @throws the signal's reason, and what the file systems say
 */
export async function broughtBytes(
  hostRoot: string,
  slotFolder: string,
  signal: AbortSignal,
): Promise<StateRoom | undefined> {
  const state = `${hostRoot}/${STATE}`;
  if (look(state)?.isDirectory() !== true) return undefined;
  let neededBytes = 0;
  for (const [inState, inSlot] of LASTING_FOLDERS) {
    const from = `${slotFolder}/${inSlot}`;
    if (look(from)?.isDirectory() !== true) continue;
    const isThere = look(`${state}/${inState}`)?.isDirectory() === true;
    const left = isThere && inState === "var" ? RECORDS : new Set<string>();
    neededBytes += await missingBytes(from, `${state}/${inState}`, { isThere, left, signal });
  }
  // What ext4 keeps for root is not among it: that is the margin.
  const { bavail, bsize } = statfsSync(state);
  return { neededBytes, freeBytes: bavail * bsize };
}

interface Counting {
  /** Whether the machine has the folder: what it lacks below is made beside first, else all of it is moved into its place. */
  readonly isThere: boolean;
  /** Folders below, of which the first program brings nothing. */
  readonly left: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** All folders, as they are made beside first, and all else that the machine does not have; what has several names, once. */
async function missingBytes(from: string, to: string, { isThere, left, signal }: Counting): Promise<number> {
  let bytes = 0;
  let looked = 0;
  const counted = new Set<number>();
  const missing = (path: string): number => {
    const found = look(`${to}/${path}`) === undefined ? look(`${from}/${path}`) : undefined;
    if (found === undefined || counted.has(found.ino)) return 0;
    if (found.nlink > 1) counted.add(found.ino);
    return bytesOf(found);
  };
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const isNew = isThere && look(`${to}/${folder}`) === undefined;
    // Folders cannot be linked from there: while what is beside is there, so are they.
    bytes += bytesOf(look(`${from}/${folder}`)) * (isNew ? 2 : 1);
    for (const entry of readdirSync(`${from}/${folder}`, { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) bytes += missing(path);
      else if (!left.has(path)) folders.push(path);
      if (++looked % AT_ONCE > 0) continue;
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  return bytes;
}

function bytesOf(found: Stats | undefined): number {
  return (found?.blocks ?? 0) * BLOCK_BYTES;
}

/** @returns undefined where nothing is, or something that is no folder is on the way */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
