/** Free space of the file system that a folder is on. */
import { systemCode } from "@rancheros/protocol/errors";
import { statfs } from "node:fs/promises";
import path from "node:path";

import { ContainerError } from "../errors.ts";
import type { FileSystemSpace } from "../storage-space.ts";

/** Of the nearest folder above that exists. @throws ContainerError CONTAINER_RUNTIME_FAILED */
export async function freeSpace(folder: string): Promise<FileSystemSpace> {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return { path: at, freeBytes: bavail * bsize };
    } catch (cause) {
      const missing = systemCode(cause) === "ENOENT";
      if (missing && at !== path.dirname(at)) continue;
      throw new ContainerError("CONTAINER_RUNTIME_FAILED", `the free space of ${folder} cannot be read`, { cause });
    }
  }
}
