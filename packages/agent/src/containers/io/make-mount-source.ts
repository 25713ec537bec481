/** The folder of this machine that a container is to see, where the machine does not have it. */
import { systemCode } from "@rancheros/protocol/errors";
import { stat } from "node:fs/promises";

import { FilesError, rootFiles } from "../../files/index.ts";
import { ContainerError } from "../errors.ts";

const ROOTS = { mode: 0o755, uid: 0, gid: 0 };

/**
 * As a pod's hostPath without a type gets it: what is there stays as it is, else a folder is made. Through no link that others
 * than root can put there: they could have root make folders where they like.
 * @throws ContainerError CONTAINER_MOUNT_FAILED, CONTAINER_DISK_FULL
 * Source: containerd, internal/cri/opts WithMounts
 */
export async function makeMountSource(source: string): Promise<void> {
  try {
    if (await isThere(source)) return;
    await rootFiles("/").makeFolder(source, ROOTS);
  } catch (cause) {
    const why = whyNot(cause);
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

/** What the system says; a path that is not gone is told in words. */
function whyNot(cause: unknown): string {
  if (!(cause instanceof FilesError)) return systemCode(cause) || "unknown";
  return systemCode(cause.cause) || cause.message;
}
