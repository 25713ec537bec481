/** The files of a machine whose / is any folder: read within bounds, replaced whole or not at all. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { lstat, open, readdir, readlink, rename, symlink, unlink, type FileHandle } from "node:fs/promises";

import { FilesError } from "../errors.ts";
import { partsOf } from "../path-parts.ts";
import { temporaryName } from "../temporary-name.ts";
import { whyRefused } from "../why-refused.ts";
import { inFolder, openBelow, refuseForeignLink, type WalkOptions } from "./open-below.ts";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface FoundFile extends FileOwner {
  readonly content: Buffer;
  /** The permission bits. */
  readonly mode: number;
  /** Names that the file has, in whatever folder. */
  readonly names: number;
}

export interface NewFile extends FileOwner {
  readonly path: string;
  readonly content: Uint8Array | string;
  readonly mode: number;
  /** Of folders that are made on the way. Default: 0755, root's. */
  readonly folders?: FileOwner & { readonly mode: number };
}

/** What is there is larger than anything that this program writes. */
export const READ_MAX_BYTES = 4 * 1024 * 1024;
const MAX_LINKS = 8;
const ROOTS_FOLDERS = { mode: 0o755, uid: 0, gid: 0 };

/** @param root  a folder that is the machine's /, such as `/` itself */
export function rootFiles(root: string) {
  const walk = (path: string, options: WalkOptions): Promise<FileHandle | undefined> => openBelow(root, path, options);
  return {
    /** @returns undefined where there is none. @throws FilesError FILES_UNREADABLE, FILES_TOO_LARGE, FILES_UNSAFE */
    read(path: string): Promise<FoundFile | undefined> {
      return reading(path, () => readThrough(walk, path, 0));
    },
    /** Where a symbolic link leads; undefined where there is none. @throws FilesError */
    readLink(path: string): Promise<string | undefined> {
      return reading(path, async () => {
        const target = await within(walk, path, (place) => readlink(place));
        return target;
      }).catch((error: unknown) => {
        if (error instanceof FilesError && systemCode(error.cause) === "EINVAL") return undefined;
        throw error;
      });
    },
    /** Names in a folder, in the order of their bytes; undefined where there is none. @throws FilesError */
    list(path: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[] | undefined> {
      return reading(path, () => listFolder(walk, path));
    },
    /** What is of this name, links not followed; undefined for nothing. @throws FilesError */
    kind(path: string): Promise<"file" | "folder" | "link" | "other" | undefined> {
      return reading(path, () =>
        within(walk, path, async (place) => {
          const found = await lstat(place);
          if (found.isSymbolicLink()) return "link" as const;
          if (found.isDirectory()) return "folder" as const;
          return found.isFile() ? ("file" as const) : ("other" as const);
        }),
      );
    },
    /** A link of this name is replaced, not followed. @throws FilesError FILES_UNSAVED, FILES_UNSAFE */
    replace(file: NewFile): Promise<void> {
      const { path, folders = ROOTS_FOLDERS } = file;
      return saving(path, async () => {
        await withFolder(walk, path, { make: folders }, (folder, name) => replaceIn(folder, name, file));
      });
    },
    /** With what leads to it, which is root's; nothing to do where it is. @throws FilesError FILES_UNSAVED, FILES_UNSAFE */
    makeFolder(path: string, folder: FileOwner & { readonly mode: number }): Promise<void> {
      return saving(path, async () => {
        const above = await walk(path.slice(0, path.lastIndexOf("/")), { make: ROOTS_FOLDERS });
        await above?.close();
        const made = await walk(path, { make: folder });
        await made?.close();
      });
    },
    /** @throws FilesError FILES_UNSAVED, FILES_UNSAFE */
    replaceLink(path: string, target: string): Promise<void> {
      return saving(path, async () => {
        await withFolder(walk, path, { make: ROOTS_FOLDERS }, async (folder, name) => {
          const temporary = inFolder(folder, temporaryName(name));
          await removeIfThere(temporary);
          await symlink(target, temporary);
          await rename(temporary, inFolder(folder, name));
          await folder.sync();
        });
      });
    },
    /** Nothing to do where there is none. @throws FilesError FILES_UNSAVED, FILES_UNSAFE */
    remove(path: string): Promise<void> {
      return saving(path, async () => {
        await withFolder(walk, path, {}, async (folder, name) => {
          await removeIfThere(inFolder(folder, name));
          await folder.sync();
        });
      });
    },
  };
}

export type RootFiles = ReturnType<typeof rootFiles>;
type Walk = (path: string, options: WalkOptions) => Promise<FileHandle | undefined>;

async function withFolder<T>(
  walk: Walk,
  path: string,
  options: WalkOptions,
  work: (folder: FileHandle, name: string) => Promise<T>,
): Promise<T | undefined> {
  const parts = partsOf(path);
  const name = parts.at(-1);
  if (name === undefined || name === "..") throw new FilesError("FILES_UNSAFE", `the path ${path} names no file`);
  const folder = await walk(`/${parts.slice(0, -1).join("/")}`, options);
  if (folder === undefined) return undefined;
  try {
    return await work(folder, name);
  } finally {
    await folder.close();
  }
}

/** @returns undefined where the folder or the name is missing */
async function within<T>(
  walk: Walk,
  path: string,
  work: (place: string, folder: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await withFolder(walk, path, {}, (folder, name) => work(inFolder(folder, name), folder));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function readThrough(walk: Walk, path: string, followed: number): Promise<FoundFile | undefined> {
  const found = await within(walk, path, async (place, folder) => {
    const there = await readOrLink(place);
    if (typeof there === "string") await refuseForeignLink(folder, path, path.slice(path.lastIndexOf("/") + 1));
    return there;
  });
  if (found === undefined || typeof found !== "string") return found;
  if (followed >= MAX_LINKS) {
    throw new FilesError("FILES_UNSAFE", `the path ${path} leads through too many links`, { details: { path } });
  }
  const beside = found.startsWith("/") ? found : `${path.slice(0, path.lastIndexOf("/"))}/${found}`;
  return readThrough(walk, beside, followed + 1);
}

/** @returns the file, or where a link leads */
async function readOrLink(place: string): Promise<FoundFile | string> {
  let file: FileHandle;
  try {
    // A pipe that nobody writes to would hold us for ever.
    file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ELOOP") return readlink(place);
    throw error;
  }
  try {
    const found = await file.stat();
    const { mode, uid, gid, size, nlink } = found;
    if (!found.isFile()) throw new Error("it is no file");
    if (size > READ_MAX_BYTES) throw new TooLarge(`it has more than ${READ_MAX_BYTES} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_MAX_BYTES), 0, READ_MAX_BYTES, 0);
    return { content: Buffer.from(buffer.subarray(0, bytesRead)), mode: mode & 0o7777, uid, gid, names: nlink };
  } finally {
    await file.close();
  }
}

async function listFolder(
  walk: Walk,
  path: string,
): Promise<readonly { readonly name: string; readonly isFolder: boolean }[] | undefined> {
  let folder: FileHandle | undefined;
  try {
    folder = await walk(path, {});
  } catch (error) {
    if (systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
  if (folder === undefined) return undefined;
  try {
    const entries = await readdir(inFolder(folder, "."), { withFileTypes: true });
    return entries
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
  } finally {
    await folder.close();
  }
}

async function replaceIn(folder: FileHandle, name: string, { content, mode, uid, gid }: NewFile): Promise<void> {
  const temporary = inFolder(folder, temporaryName(name));
  await removeIfThere(temporary);
  // For the owner only until all of it is there.
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.chown(uid, gid);
    // After the owner: a change of owner takes set-user-id away.
    await file.chmod(mode);
    await file.sync();
    await file.close();
    await rename(temporary, inFolder(folder, name));
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await folder.sync();
}

async function removeIfThere(place: string): Promise<void> {
  await unlink(place).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
  });
}

class TooLarge extends Error {}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FilesError) throw cause;
    const code = cause instanceof TooLarge ? "FILES_TOO_LARGE" : "FILES_UNREADABLE";
    throw new FilesError(code, `${path} cannot be read: ${whyRefused(cause)}`, {
      cause,
      details: { path },
    });
  }
}

async function saving(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof FilesError) throw cause;
    throw new FilesError("FILES_UNSAVED", `${path} cannot be written: ${whyRefused(cause)}`, {
      cause,
      details: { path },
    });
  }
}
