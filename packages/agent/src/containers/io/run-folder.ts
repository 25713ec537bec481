/** The folder with a container's files: environment, mounted files, recorded output. For root only, best in memory. */
import { systemCode } from "@rancheros/protocol/errors";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";

import { ContainerError } from "../errors.ts";
import { openIfThere } from "./open-if-there.ts";

export interface RunFolder {
  readonly path: string;
  /** Makes it anew, empty. @throws ContainerError CONTAINER_RUN_FOLDER */
  readonly prepare: () => Promise<void>;
  /** All of it or nothing. @returns the file's path. @throws ContainerError CONTAINER_RUN_FOLDER */
  readonly write: (name: string, content: string) => Promise<string>;
  /** @throws ContainerError CONTAINER_RUN_FOLDER */
  readonly makeFolder: (name: string) => Promise<void>;
  /** The beginning of a file; undefined where it is not there. @throws ContainerError CONTAINER_RUN_FOLDER */
  readonly read: (name: string) => Promise<string | undefined>;
  /** Takes all else away. Never throws. */
  readonly keepOnly: (name: string) => Promise<void>;
  /** Never throws. */
  readonly remove: () => Promise<void>;
}

/** @param base  made where it is missing, with mode 0700 */
export function runFolder(base: string, name: string): RunFolder {
  const folder = path.join(base, name);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return {
    path: folder,
    prepare: () =>
      naming(folder, async () => {
        await remove();
        await mkdir(folder, { recursive: true, mode: 0o700 });
      }),
    write: (file, content) => {
      const target = path.join(folder, file);
      return naming(target, async () => {
        await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
        // The mode comes before the content: at no moment can others read it.
        const handle = await open(`${target}.part`, "w", 0o600);
        try {
          await handle.writeFile(content);
        } finally {
          await handle.close();
        }
        await rename(`${target}.part`, target);
        return target;
      });
    },
    makeFolder: (name) => {
      const target = path.join(folder, name);
      return naming(target, async () => {
        await mkdir(target, { recursive: true, mode: 0o700 });
      });
    },
    read: (file) => naming(path.join(folder, file), () => readBeginning(path.join(folder, file))),
    async keepOnly(name) {
      const others = (await readdir(folder).catch(() => [])).filter((one) => one !== name);
      // As below: what stays goes before the next one of its name.
      for (const one of others)
        await rm(path.join(folder, one), { recursive: true, force: true }).catch(() => undefined);
    },
    // How the container ended is known by then; what stays goes before the next one of its name.
    remove: () => remove().catch(() => undefined),
  };
}

const MAX_READ_BYTES = 4096;

async function readBeginning(file: string): Promise<string | undefined> {
  const handle = await openIfThere(file);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_READ_BYTES), 0, MAX_READ_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function naming<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = systemCode(cause) || "unknown";
    const code = why === "ENOSPC" || why === "EDQUOT" ? "CONTAINER_DISK_FULL" : "CONTAINER_RUN_FOLDER";
    throw new ContainerError(code, `the container's files at ${target} cannot be used (${why})`, {
      cause,
      details: { path: target },
    });
  }
}
