/** Reads a small text file that a command line names. */
import { open } from "node:fs/promises";

import { CliError } from "./errors.ts";

const MAX_BYTES = 1024 * 1024;

/** @throws CliError CLI_FILE_UNREADABLE, also for one of more than 1 MiB */
export async function readTextFile(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
      if (bytesRead > MAX_BYTES) throw new Error("it has more than 1 MiB");
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("CLI_FILE_UNREADABLE", `the file ${path} cannot be read: ${why}`, { cause, details: { path } });
  }
}
