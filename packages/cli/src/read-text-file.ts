/** Reads a small text file that a command line names. */
import { readBounded } from "@rancheros/agent/files";

import { CliError } from "./errors.ts";

const MAX_BYTES = 1024 * 1024;

/**
 * @param signal  of Ctrl-C: a pipe may have nothing to say for long
 * @throws CliError CLI_FILE_UNREADABLE, also for one of more than 1 MiB; CLI_INTERRUPTED
 */
export async function readTextFile(path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readBounded(path, MAX_BYTES, { signal })).toString("utf8");
  } catch (cause) {
    if (signal.aborted) throw new CliError("CLI_INTERRUPTED", `reading ${path} was broken off`, { cause });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("CLI_FILE_UNREADABLE", `the file ${path} cannot be read: ${why}`, { cause, details: { path } });
  }
}
