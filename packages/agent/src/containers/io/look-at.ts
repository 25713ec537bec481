/** Whether a socket, a program, a folder, or what starts a service is there. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { access, constants, lstat, readlink, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";

/** The kernel's own limit. Source: path_resolution(7) */
const MAX_LINKS = 40;

/**
 * @param hostRoot  where the machine's / is, from which its absolute links lead
 * @returns "yes", or why not; never throws
 */
export async function lookAt(
  path: string,
  wanted: "socket" | "program" | "start" | "folder",
  hostRoot: string,
): Promise<"yes" | "missing" | "not-a-socket" | "not-executable" | "not-permitted" | "unreadable"> {
  try {
    if (wanted === "start") return (await leadsToFile(path, hostRoot)) ? "yes" : "missing";
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

/** A unit that is masked leads to the null device, and one that was taken away leaves links that lead nowhere. */
async function leadsToFile(path: string, hostRoot: string): Promise<boolean> {
  let place = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = await lstat(place);
    if (!found.isSymbolicLink()) return found.isFile();
    const target = await readlink(place);
    place = isAbsolute(target) ? join(hostRoot, target) : join(dirname(place), target);
  }
  return false;
}
