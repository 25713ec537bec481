/** Processes that this program starts of itself for one small job: from the job's file, or, as a single executable, by the job's name. */
import path from "node:path";
import { isSea } from "node:sea";

export type OwnJob = "print-hardware" | "record-output";

/** First argument of such a process of a single executable. No command is called so. */
const PREFIX = "own-job:";

/**
 * @param folder  where the job's file is, in the sources and in the bundle
 * @param extension  that of the job's file, as it is run now: .ts or .cjs
 */
export function ownProcess(job: OwnJob, folder: string, extension: string): readonly [string, string] {
  return [process.execPath, isSea() ? `${PREFIX}${job}` : path.join(folder, `${job}${extension}`)];
}

/** The name of the job that these arguments ask for, which need not be one that there is; undefined for a command line. */
export function ownJobName([first = ""]: readonly string[]): string | undefined {
  return first.startsWith(PREFIX) ? first.slice(PREFIX.length) : undefined;
}
