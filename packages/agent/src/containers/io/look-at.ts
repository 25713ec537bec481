/** Whether a socket or a program is there. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { access, constants, stat } from "node:fs/promises";

/** @returns "yes", or why not; never throws */
export async function lookAt(
  path: string,
  wanted: "socket" | "program",
): Promise<"yes" | "missing" | "not-a-socket" | "not-executable" | "not-permitted" | "unreadable"> {
  try {
    const found = await stat(path);
    if (wanted === "socket") return found.isSocket() ? "yes" : "not-a-socket";
    if (!found.isFile()) return "not-executable";
    return await access(path, constants.X_OK).then(
      () => "yes",
      () => "not-executable",
    );
  } catch (error) {
    const code = systemCode(error);
    if (code === "EACCES" || code === "EPERM") return "not-permitted";
    return isAbsent(error) ? "missing" : "unreadable";
  }
}
