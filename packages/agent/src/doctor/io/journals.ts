/** The journals of some units, bounded in lines and bytes. */
import { journalText } from "../archive/journal-text.ts";
import { askProgram } from "./ask-program.ts";

const FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER";
/** Whoever writes so much that many lines are too many bytes is asked for fewer. */
const LINES = [1_000, 200, 50, 10] as const;
const MAX_BYTES = 4 * 1024 * 1024;

/** @returns text by unit; units of which nothing is known are left out */
export async function readJournals(
  hostRoot: string,
  units: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const read = await Promise.all(units.map(async (unit) => [unit, await journalOf(hostRoot, unit, signal)] as const));
  return new Map(read.filter(([, text]) => text !== ""));
}

async function journalOf(hostRoot: string, unit: string, signal: AbortSignal): Promise<string> {
  const root = hostRoot === "/" ? [] : [`--root=${hostRoot}`];
  for (const lines of LINES) {
    const answer = await askProgram({
      program: "journalctl",
      args: [
        ...root,
        "--no-pager",
        "--quiet",
        // Else a message of more than 4 KiB, as of a stack, is told as null.
        "--all",
        "--output=json",
        `--output-fields=${FIELDS}`,
        `--lines=${lines}`,
        `--unit=${unit}`,
      ],
      maxOutputBytes: MAX_BYTES,
      signal,
    });
    if (answer !== undefined) return journalText(answer.stdout);
  }
  return "";
}
