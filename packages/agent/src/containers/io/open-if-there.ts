/** Opens a file for reading that may not be there; every other trouble is one. */
import { systemCode } from "@rancheros/protocol/errors";
import { open, type FileHandle } from "node:fs/promises";

/** @returns undefined where there is no such file. @throws what the file system says */
export async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
