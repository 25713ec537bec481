/** A secret file that is either there with all of its content or not at all. */
import { systemCode } from "@rancheros/protocol/errors";
import { open, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { replaceFile, requireReplaceable, sweepTemporaries, temporaryFor } from "../../files/index.ts";
import { RegistrationError } from "../errors.ts";

export interface PreparedFile {
  /** Puts the content in the file's place, for the owner only, and onto the disk. @throws RegistrationError REGISTRATION_UNSAVED */
  commit(content: string): Promise<void>;
}

/**
 * Finds out whether a file can be written before anything is done that gives it its content; until then nothing of it is there.
 * @throws RegistrationError REGISTRATION_UNSAVED
 */
export async function prepareFile(path: string): Promise<PreparedFile> {
  const target = resolve(path);
  await saving(path, async () => {
    // A link to a folder is meant as that folder, and would be replaced.
    if (await isFolder(target)) throw new Error("there is a folder of this name");
    await requireReplaceable(target);
    const probe = temporaryFor(target);
    const file = await open(probe, "wx", 0o600);
    await file.close();
    await unlink(probe);
  });
  await sweepTemporaries(target);
  return { commit: (content) => saving(path, () => replaceFile(target, content)) };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
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
