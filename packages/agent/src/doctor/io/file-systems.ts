/** Room on the file systems that a node lives by. */
import { systemCode } from "@rancheros/protocol/errors";
import { readFile, realpath, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import type { FileSystem, FileSystemUse, UnreadableFileSystem } from "../judge-disks.ts";
import { isMountedReadOnly } from "../mount-info.ts";

/** Source: linux/magic.h: TMPFS_MAGIC, RAMFS_MAGIC */
const VOLATILE = new Set([0x01021994, 0x858458f6]);
const DATA_FOLDERS = ["/var/log", "/var/lib/containerd", "/var/lib/rancher", "/var/lib/kubelet"] as const;
const CONFIGURATION = "/oem";
const MOUNT_INFO = "/proc/self/mountinfo";

/** What is not there, or is not for this user to see, is left out: no file system of it fails. */
const LEFT_OUT = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

/**
 * One row for each file system, named by the first folder that lies on it, and one for each folder that answers with an
 * error; folders that are not there, or that this user may not see, are left out.
 */
export async function readFileSystems(
  hostRoot: string,
  stateFolder: string,
): Promise<readonly (FileSystem | UnreadableFileSystem)[]> {
  const mountInfo = await readFile(MOUNT_INFO, "utf8").catch(() => "");
  const wanted: readonly (readonly [path: string, use: FileSystemUse])[] = [
    [stateFolder, "state"],
    ...DATA_FOLDERS.map((folder) => [join(hostRoot, folder), "data"] as const),
    [join(hostRoot, CONFIGURATION), "configuration"],
  ];
  const found = new Map<number, FileSystem>();
  const unreadable: UnreadableFileSystem[] = [];
  for (const [path, use] of wanted) {
    try {
      // Where the state will be made is what counts before it is.
      const place = await nearest(path, use === "state");
      const { dev } = await stat(place);
      if (!found.has(dev))
        found.set(dev, { path, use, ...(await roomOf(place)), isReadOnly: isMountedReadOnly(mountInfo, place) });
    } catch (error) {
      if (!LEFT_OUT.has(systemCode(error)))
        unreadable.push({ path, failure: error instanceof Error ? error.message : String(error) });
    }
  }
  return [...found.values(), ...unreadable];
}

async function roomOf(place: string): Promise<Omit<FileSystem, "path" | "use" | "isReadOnly">> {
  const { type, blocks, bavail, bsize, files, ffree } = await statfs(place);
  return {
    totalBytes: blocks * bsize,
    freeBytes: bavail * bsize,
    freeFilesShare: files === 0 ? undefined : ffree / files,
    isVolatile: VOLATILE.has(type),
  };
}

/** @throws what `realpath` throws */
async function nearest(path: string, goesUp: boolean): Promise<string> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      return await realpath(at);
    } catch (error) {
      if (!goesUp || at === dirname(at) || systemCode(error) !== "ENOENT") throw error;
    }
  }
}
