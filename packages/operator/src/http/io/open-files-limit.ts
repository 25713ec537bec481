/** How many files this process may open, as Linux tells. */
import { readFile } from "node:fs/promises";
import { parseOpenFilesLimit } from "../open-files.ts";

/**
 * @param path  where the kernel tells it
 * @returns     undefined where it does not: on another system, or without /proc
 */
export async function readOpenFilesLimit(path = "/proc/self/limits"): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return parseOpenFilesLimit(text);
}
