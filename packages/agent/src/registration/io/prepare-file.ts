/** A secret file that is either there with all of its content or not at all. */
import { systemCode } from "@rancheros/protocol/errors";
import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { RegistrationError } from "../errors.ts";

export interface PreparedFile {
  /** Puts the content in the file's place, for the owner only, and onto the disk. @throws RegistrationError REGISTRATION_UNSAVED */
  commit(content: string): Promise<void>;
  /** Leaves everything as it was; nothing to do after commit. Never throws. */
  discard(): Promise<void>;
}

/**
 * Finds out whether a file can be written before anything is done that gives it its content.
 * @throws RegistrationError REGISTRATION_UNSAVED
 */
export async function prepareFile(path: string): Promise<PreparedFile> {
  const target = resolve(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  const file = await saving(path, async () => {
    if (await isFolder(target)) throw new Error("there is a folder of this name");
    // The mode comes before the content: at no moment can others read it.
    return open(temporary, "wx", 0o600);
  });
  let left: FileHandle | undefined = file;

  async function discard(): Promise<void> {
    if (left === undefined) return;
    left = undefined;
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
  }

  return {
    discard,
    async commit(content) {
      try {
        await saving(path, async () => {
          await file.writeFile(content);
          await file.sync();
          await file.close();
          await rename(temporary, target);
          left = undefined;
          await syncFolder(folder);
        });
      } finally {
        await discard();
      }
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The rename itself survives a power cut only with the folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const REASONS: Readonly<Record<string, (folder: string) => string>> = {
  ENOENT: (folder) => `the folder ${folder} does not exist`,
  ENOTDIR: (folder) => `${folder} is no folder`,
  EACCES: (folder) => `the folder ${folder} may not be written`,
  EROFS: (folder) => `the folder ${folder} is on a read-only file system`,
  ENOSPC: (folder) => `the disk of ${folder} is full`,
};

function reasonOf(cause: unknown, folder: string): string {
  if (!(cause instanceof Error)) return "";
  const known = REASONS[systemCode(cause)];
  return known === undefined ? cause.message : known(folder);
}

async function saving<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = reasonOf(cause, dirname(resolve(path)));
    throw new RegistrationError("REGISTRATION_UNSAVED", `the configuration cannot be saved as ${path}: ${why}`, {
      cause,
      details: { path },
    });
  }
}
