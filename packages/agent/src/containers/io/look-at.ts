/** Whether a socket, a program, a folder, or what starts a service is there. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { access, constants, lstat, stat } from "node:fs/promises";

/** @returns "yes", or why not; never throws */
export async function lookAt(
  path: string,
  wanted: "socket" | "program" | "start" | "folder",
): Promise<"yes" | "missing" | "not-a-socket" | "not-executable" | "not-permitted" | "unreadable"> {
  try {
    // A link, which is read from elsewhere than where it is looked at.
    if (wanted === "start") return await lstat(path).then(() => "yes");
    const found = await stat(path);
    if (wanted === "folder") return found.isDirectory() ? "yes" : "missing";
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
