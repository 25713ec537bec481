/** Reads the cloud-configs that a command line names. */
import { systemCode } from "@rancheros/protocol/errors";
import { constants } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { FilesError } from "../../files/index.ts";
import { CONFIG_MAX_BYTES } from "../limits.ts";

export interface GivenFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const MAX_FILES = 100;

/**
 * @param path  a file, or a folder whose *.yaml and *.yml count in the order of their names
 * @returns empty for a folder without any; undefined where nothing has this name
 * @throws FilesError FILES_UNREADABLE
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
    const names = (await readdir(full)).filter((name) => /\.ya?ml$/.test(name)).sort();
    if (names.length > MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files`);
    const files: GivenFile[] = [];
    for (const name of names) files.push({ path: join(full, name), bytes: await readBounded(join(full, name)) });
    return files;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FilesError("FILES_UNREADABLE", `${path} cannot be read: ${why}`, { cause, details: { path } });
  }
}

/** One byte more than is allowed, so that whoever parses it sees that it is too much. */
async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
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
