/** What the service that registers this machine has saved. */
import { systemCode } from "@rancheros/protocol/errors";
import { stat } from "node:fs/promises";
import { join } from "node:path";

import { DoctorError } from "../errors.ts";

/** Of ros-agent-register.service; with DynamicUser the second is where the first leads. */
export const REGISTERED_FILES = [
  "/var/lib/rancheros-registration/cloud-config.yaml",
  "/var/lib/private/rancheros-registration/cloud-config.yaml",
] as const;

/** It is not there, or not for this user to see. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

/**
 * @returns undefined where nothing is there
 * @throws DoctorError DOCTOR_DISK_UNREADABLE
 */
export async function readRegistered(
  hostRoot: string,
): Promise<{ readonly path: string; readonly savedMs: number } | undefined> {
  for (const path of REGISTERED_FILES) {
    const found = await stat(join(hostRoot, path)).catch((cause: unknown) => {
      const code = systemCode(cause) || "unknown";
      if (ABSENT.has(code)) return undefined;
      throw new DoctorError("DOCTOR_DISK_UNREADABLE", `${path} cannot be looked at (${code})`, {
        cause,
        details: { path },
      });
    });
    if (found?.isFile() === true) return { path, savedMs: found.mtimeMs };
  }
  return undefined;
}
