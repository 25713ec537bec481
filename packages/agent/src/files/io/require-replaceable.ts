/** Keeps a file from taking the place of what is no file: root would lose /dev/null to it. */
import { lstat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isAbsent } from "@rancheros/protocol/errors";

/**
 * @param path  where a file is to be put by rename(2), which asks nobody what was there
 * @throws Error for a folder, a device, a pipe or a socket, and for the links of /dev, which lead to them
 */
export async function requireReplaceable(path: string): Promise<void> {
  const target = resolve(path);
  const found = await lstat(target).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (found === undefined || found.isFile()) return;
  if (found.isDirectory()) throw new Error("there is a folder of this name");
  if (!found.isSymbolicLink() || dirname(target) === "/dev") throw new Error("what has this name is no file");
}
