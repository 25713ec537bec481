/** Reads the cloud-configs that a command line names. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { FilesError } from "../../files/index.ts";
import { CONFIG_MAX_BYTES } from "../limits.ts";

export type GivenFile =
  | { readonly path: string; readonly bytes: Buffer }
  /** Of a folder: the others count all the same. */
  | {
      readonly path: string;
      readonly unreadable: string;
      /** Where it is no mistake of a person's, and may go another time: what the file says is not known. */
      readonly failure?: FilesError;
    };

const MAX_FILES = 100;

/**
 * @param path  a file, or a folder whose *.yaml and *.yml count in the order of their names, without those that begin with a dot
 * @returns empty for a folder without any; undefined where nothing has this name
 * @throws FilesError FILES_UNREADABLE for the file or the folder itself
 */
export async function readGiven(path: string): Promise<readonly GivenFile[] | undefined> {
  const full = resolve(path);
  try {
    const found = await stat(full).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    if (!found.isDirectory()) return [{ path: full, bytes: await readBounded(full) }];
    const names = (await readdir(full)).filter((name) => /^[^.].*\.ya?ml$/s.test(name)).sort();
    const files: GivenFile[] = [];
    for (const name of names.slice(0, MAX_FILES)) files.push(await readFound(join(full, name)));
    const next = names[MAX_FILES];
    if (next !== undefined) {
      const unreadable = `the folder has more than ${MAX_FILES} files, and this one and those after it are left out`;
      files.push({ path: join(full, next), unreadable });
    }
    return files;
  } catch (cause) {
    throw new FilesError("FILES_UNREADABLE", `${path} cannot be read: ${whyOf(cause)}`, { cause, details: { path } });
  }
}

async function readFound(path: string): Promise<GivenFile> {
  try {
    return { path, bytes: await readBounded(path) };
  } catch (cause) {
    const unreadable = `the file cannot be read: ${whyOf(cause)}`;
    if (isMistake(cause)) return { path, unreadable };
    const message = `${path} cannot be read: ${whyOf(cause)}`;
    return { path, unreadable, failure: new FilesError("FILES_UNREADABLE", message, { cause, details: { path } }) };
  }
}

/** A dangling link, one that leads to itself, a folder or a socket of such a name; not a bad block or too many open files. */
function isMistake(cause: unknown): boolean {
  return cause instanceof NoFile || isAbsent(cause) || ["ELOOP", "ENXIO"].includes(systemCode(cause));
}

class NoFile extends Error {}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One byte more than is allowed, so that whoever parses it sees that it is too much. */
async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new NoFile("it is no file");
    const buffer = Buffer.alloc(CONFIG_MAX_BYTES + 1);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, bytes, buffer.length - bytes, null);
      bytes += bytesRead;
      if (bytesRead === 0 || bytes === buffer.length) return buffer.subarray(0, bytes);
    }
  } finally {
    await file.close();
  }
}
