/** The folder of this machine that a container is to see, where the machine does not have it. */
import { systemCode } from "@rancheros/protocol/errors";
import { chmod, mkdir, stat } from "node:fs/promises";
import path from "node:path";

import { ContainerError } from "../errors.ts";

const MODE = 0o755;

/**
 * As a pod's hostPath without a type gets it: what is there stays as it is, else a folder is made.
 * @throws ContainerError CONTAINER_MOUNT_FAILED, CONTAINER_DISK_FULL
 * Source: containerd, internal/cri/opts WithMounts
 */
export async function makeMountSource(source: string): Promise<void> {
  try {
    if (await isThere(source)) return;
    const first = await mkdir(source, { recursive: true, mode: MODE });
    const shortest = first?.length ?? Infinity;
    // Whatever umask the agent was started with.
    for (let made = source; made.length >= shortest; made = path.dirname(made)) {
      await chmod(made, MODE);
    }
  } catch (cause) {
    const why = systemCode(cause) || "unknown";
    const code = why === "ENOSPC" || why === "EDQUOT" ? "CONTAINER_DISK_FULL" : "CONTAINER_MOUNT_FAILED";
    throw new ContainerError(code, `the container is to see ${source}, which cannot be made (${why})`, {
      cause,
      details: { path: source },
    });
  }
}

async function isThere(source: string): Promise<boolean> {
  try {
    await stat(source);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
