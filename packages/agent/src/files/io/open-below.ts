/** Walks from a root to a folder so that no link leads out of the root, however it changes meanwhile. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { lstat, mkdir, open, readlink, rename, rmdir, type FileHandle } from "node:fs/promises";

import { FilesError } from "../errors.ts";
import { partsOf } from "../path-parts.ts";
import { temporaryName } from "../temporary-name.ts";

/** The kernel's own limit. Source: path_resolution(7) */
const MAX_LINKS = 40;
const MAX_DEPTH = 128;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** What rename(2) says where something else has come to the place meanwhile: a folder that holds something, or no folder. */
const TAKEN: ReadonlySet<string> = new Set(["EEXIST", "ENOTEMPTY", "ENOTDIR"]);

export interface WalkOptions {
  /** Folders that are missing are made, with this mode and owner. */
  readonly make?: { readonly mode: number; readonly uid: number; readonly gid: number };
}

/** Where a name in an open folder is reached, whatever its path has become. Node has no openat(2). */
export function inFolder(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

/**
 * Follows links as within a chroot, and none that others than root can have put there: root would write where they like.
 * @param root  taken as it is, links included
 * @param path  below it
 * @returns the open folder, to be closed by the caller; undefined where it is missing
 * @throws FilesError FILES_UNSAFE; what the file system says
 */
export async function openBelow(root: string, path: string, options: WalkOptions): Promise<FileHandle | undefined> {
  const opened: FileHandle[] = [await open(root, constants.O_RDONLY | constants.O_DIRECTORY)];
  try {
    const isThere = await walk(opened, [...partsOf(path)], path, options);
    return isThere ? opened.pop() : undefined;
  } finally {
    await Promise.all(opened.map((handle) => handle.close()));
  }
}

/** Leaves the folder that was reached at the end of `opened`. */
async function walk(opened: FileHandle[], left: string[], path: string, options: WalkOptions): Promise<boolean> {
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const here = opened.at(-1);
    if (here === undefined || opened.length > MAX_DEPTH) throw unsafe(path, "is too deep");
    if (part === "..") {
      // As in a chroot, the root's parent is the root.
      if (opened.length > 1) await opened.pop()?.close();
      continue;
    }
    const next = await step(here, part, options);
    if (next === undefined) return false;
    if (typeof next !== "string") {
      opened.push(next);
      continue;
    }
    await refuseForeignLink(here, path, part);
    if (++links > MAX_LINKS) throw unsafe(path, "leads through too many links");
    if (next.startsWith("/")) await Promise.all(opened.splice(1).map((handle) => handle.close()));
    left.unshift(...partsOf(next));
  }
  return true;
}

/** @throws FilesError FILES_UNSAFE where others than root and ourselves can put links into the folder */
export async function refuseForeignLink(folder: FileHandle, path: string, link: string): Promise<void> {
  const { uid, mode } = await folder.stat();
  const isOurs = uid === 0 || uid === process.geteuid?.();
  if (!isOurs || (mode & 0o022) !== 0) throw unsafe(path, `leads through the link ${link}`);
}

/** @returns the folder, or where a link leads; undefined for nothing */
async function step(here: FileHandle, part: string, { make }: WalkOptions): Promise<FileHandle | string | undefined> {
  const place = inFolder(here, part);
  const found = await openFolder(place);
  if (found !== undefined) return found;
  if (make === undefined) return undefined;
  return makeFolder(here, part, make);
}

/** There with its mode and its owner or not at all: one that is there already nobody looks at again. */
async function makeFolder(
  here: FileHandle,
  part: string,
  { mode, uid, gid }: NonNullable<WalkOptions["make"]>,
): Promise<FileHandle | string | undefined> {
  const temporary = inFolder(here, temporaryName(part));
  await removeIfThere(temporary);
  await mkdir(temporary, { mode: 0o700 });
  const made = await open(temporary, FOLDER);
  try {
    await made.chmod(mode);
    await made.chown(uid, gid);
    await rename(temporary, inFolder(here, part));
    await here.sync();
    return made;
  } catch (error) {
    await made.close();
    await removeIfThere(temporary);
    if (!TAKEN.has(systemCode(error))) throw error;
    // Whoever is faster has made it too.
    return openFolder(inFolder(here, part));
  }
}

async function removeIfThere(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
  });
}

async function openFolder(place: string): Promise<FileHandle | string | undefined> {
  try {
    return await open(place, FOLDER);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) !== "ENOTDIR" && systemCode(error) !== "ELOOP") throw error;
    if (!(await lstat(place)).isSymbolicLink()) throw error;
    return readlink(place);
  }
}

function unsafe(path: string, what: string): FilesError {
  return new FilesError("FILES_UNSAFE", `the path ${path} ${what}`, { details: { path } });
}
