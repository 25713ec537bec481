/** Looks at a TPM's device node before a tool writes to it. */

import { systemCode } from "@rancheros/protocol/errors";
import { stat } from "node:fs/promises";

/**
 * The tools open whatever they are given and write a TPM command to it, a regular file or a disk as well: so it is worth
 * asking first. "unknown" when it cannot be told, for the tool to say why.
 */
export async function inspectDeviceNode(
  path: string,
): Promise<"character-device" | "missing" | "something-else" | "unknown"> {
  try {
    return (await stat(path)).isCharacterDevice() ? "character-device" : "something-else";
  } catch (error) {
    return systemCode(error) === "ENOENT" ? "missing" : "unknown";
  }
}
