/** Where the files of a program are half made. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

const PREFIX = ".building-";

/**
 * Takes away what a build has left that was stopped: scripts/binaries/build lets one at a time in.
 * @param folder  where the files will be
 * @returns       an empty folder in it, of the same file system
 */
export function makeWorkFolder(folder: string): string {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(PREFIX)) rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  return mkdtempSync(path.join(folder, PREFIX));
}
