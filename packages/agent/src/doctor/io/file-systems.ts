/** Room on the file systems that a node lives by. */
import { readFile, realpath, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import type { FileSystem, FileSystemUse } from "../judge-disks.ts";
import { isMountedReadOnly } from "../mount-info.ts";

/** Source: linux/magic.h: TMPFS_MAGIC, RAMFS_MAGIC */
const VOLATILE = new Set([0x01021994, 0x858458f6]);
const DATA_FOLDERS = ["/var/log", "/var/lib/containerd", "/var/lib/rancher", "/var/lib/kubelet", "/oem"] as const;
const MOUNT_INFO = "/proc/self/mountinfo";

/** One row for each file system, named by the first folder that lies on it; folders that are not there are left out. */
export async function readFileSystems(hostRoot: string, stateFolder: string): Promise<readonly FileSystem[]> {
  const mountInfo = await readFile(MOUNT_INFO, "utf8").catch(() => "");
  const wanted: readonly (readonly [path: string, use: FileSystemUse])[] = [
    [stateFolder, "state"],
    ...DATA_FOLDERS.map((folder) => [join(hostRoot, folder), "data"] as const),
  ];
  const found = new Map<number, FileSystem>();
  for (const [path, use] of wanted) {
    // Where the state will be made is what counts before it is.
    const place = await nearest(path, use === "state");
    const device = place === undefined ? undefined : (await stat(place).catch(() => undefined))?.dev;
    if (place === undefined || device === undefined || found.has(device)) continue;
    const room = await statfs(place).catch(() => undefined);
    if (room === undefined) continue;
    const { type, blocks, bavail, bsize, files, ffree } = room;
    found.set(device, {
      path,
      use,
      totalBytes: blocks * bsize,
      freeBytes: bavail * bsize,
      freeFilesShare: files === 0 ? undefined : ffree / files,
      isReadOnly: isMountedReadOnly(mountInfo, place),
      isVolatile: VOLATILE.has(type),
    });
  }
  return [...found.values()];
}

async function nearest(path: string, goesUp: boolean): Promise<string | undefined> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined || !goesUp || at === dirname(at)) return real;
  }
}
