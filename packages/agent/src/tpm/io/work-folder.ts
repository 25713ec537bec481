/** The folder, for this user only, through which tpm2-tools hand keys and sessions from one process to the next. */

import { mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { WORK_FOLDER_PREFIX, showLife } from "./left-folders.ts";

import { TpmError } from "../errors.ts";

export interface WorkFolder {
  /** The path of a file in the folder, which is made at the first need. */
  path(name: string): Promise<string>;
  write(name: string, bytes: Uint8Array): Promise<string>;
  /** @throws TpmError TPM_NONSENSE when it is missing, empty or larger than 64 KiB: a tool should have written it */
  read(name: string): Promise<Buffer>;
  remove(name: string): Promise<void>;
  /** Removes everything; never throws. */
  close(): Promise<void>;
}

const MAX_FILE_BYTES = 64 * 1024;

/**
 * @param tcti        what the files are of: another program that finds them after our end has to know
 * @param baseFolder  an existing folder, best on a file system in memory: the files are contexts that only this TPM can
 *                    open, but one of them is, for some milliseconds, the secret of a challenge
 */
export function createWorkFolder(baseFolder: string, tcti: string): WorkFolder {
  let made: Promise<string> | undefined;
  let endLife: (() => Promise<void>) | undefined;
  const make = async (): Promise<string> => {
    const path = await makeFolder(baseFolder);
    endLife = await showLife(path, tcti);
    return path;
  };
  const folder = (): Promise<string> => (made ??= make());
  return {
    path: async (name) => join(await folder(), name),
    async write(name, bytes) {
      const path = join(await folder(), name);
      await naming(path, async () => {
        const file = await open(path, "w", 0o600);
        try {
          await file.writeFile(bytes);
        } finally {
          await file.close();
        }
      });
      return path;
    },
    read: async (name) => readToolOutput(join(await folder(), name)),
    remove: async (name) => rm(join(await folder(), name), { force: true }),
    async close() {
      const path = await made?.catch(() => undefined);
      made = undefined;
      await endLife?.();
      if (path !== undefined) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

async function makeFolder(baseFolder: string): Promise<string> {
  // mkdtemp gives mode 0700, so what the tools create inside with their own wider modes is out of reach for others.
  return naming(baseFolder, () => mkdtemp(join(baseFolder, WORK_FOLDER_PREFIX)));
}

async function readToolOutput(path: string): Promise<Buffer> {
  const { size } = await naming(path, () => stat(path));
  if (size === 0 || size > MAX_FILE_BYTES) {
    throw new TpmError("TPM_NONSENSE", `a TPM tool wrote ${String(size)} bytes where a TPM structure was expected`);
  }
  return naming(path, () => readFile(path));
}

async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new TpmError("TPM_WORK_FOLDER", `the TPM's work files at ${path} cannot be used`, {
      cause,
      details: { path },
    });
  }
}
