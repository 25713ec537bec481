/** What the service that registers this machine has saved. */
import { stat } from "node:fs/promises";
import { join } from "node:path";

/** Of ros-agent-register.service; with DynamicUser the second is where the first leads. */
export const REGISTERED_FILES = [
  "/var/lib/rancheros-registration/cloud-config.yaml",
  "/var/lib/private/rancheros-registration/cloud-config.yaml",
] as const;

/** @returns undefined where nothing is there */
export async function readRegistered(
  hostRoot: string,
): Promise<{ readonly path: string; readonly savedMs: number } | undefined> {
  for (const path of REGISTERED_FILES) {
    const found = await stat(join(hostRoot, path)).catch(() => undefined);
    if (found?.isFile() === true) return { path, savedMs: found.mtimeMs };
  }
  return undefined;
}
