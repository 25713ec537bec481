/** Reads a file of a file system that nobody mounts: nothing is in the way of whoever writes it meanwhile. */
import { endWithin, startProgram, type ProgramEnding } from "../../programs/index.ts";
import { SlotError } from "../errors.ts";

const TIMEOUT_MS = 30_000;
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";
const SAID_CHARACTERS = 300;
/** debugfs says these on stderr, and ends well. Source: e2fsprogs, debugfs(8); lib/et's texts in English */
const NOTHING_THERE = /File not found|Bad magic number|Attempt to read block/;
const VERSION_LINE = /^debugfs \d.*\n?/;

/**
 * @param device  path of a partition, or of a file that is one; `DISK?offset=BYTES` for a partition that has no path
 * @param path    in the file system, from its root on
 * @returns "none" where there is no such file, or no file system
 * @throws SlotError SLOT_UNREADABLE, SLOT_TOOL_MISSING, SLOT_TOOL_HANGS, SLOT_INTERRUPTED
 */
export async function peekFile(
  device: string,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer | "none"> {
  if (signal.aborted) throw interrupted();
  const running = startProgram({
    program: "debugfs",
    // Without bitmaps: it reads one file, on what may be in use.
    args: ["-c", "-R", `cat ${path}`, device],
    environment: { PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${SBIN}`, LC_ALL: "C", DEBUGFS_PAGER: "cat" },
    maxOutputBytes: maxBytes,
    ownGroup: true,
  });
  const ending = await endWithin(running, { timeoutMs: TIMEOUT_MS, killedMs: 0, signal });
  if (signal.aborted) throw interrupted();
  if (ending === undefined || ending.kind === "killed") {
    throw new SlotError("SLOT_TOOL_HANGS", `debugfs on ${device} did not end within ${TIMEOUT_MS / 1000} s`);
  }
  return contentOf(ending, `${path} on ${device}`);
}

function contentOf(ending: Exclude<ProgramEnding, { readonly kind: "killed" }>, what: string): Buffer | "none" {
  if (ending.kind === "not-started") {
    throw new SlotError("SLOT_TOOL_MISSING", "debugfs (Debian: e2fsprogs) cannot be started", { cause: ending.cause });
  }
  if (ending.kind === "flooded") throw new SlotError("SLOT_UNREADABLE", `${what} is larger than it may be`);
  const complaint = ending.stderr.toString("utf8").replace(VERSION_LINE, "").trim();
  const isWhole = ending.exitCode === 0 && complaint === "";
  // What came before a complaint its reader finds whole, or not.
  if (isWhole || ending.stdout.length > 0) return ending.stdout;
  if (NOTHING_THERE.test(complaint)) return "none";
  throw new SlotError("SLOT_UNREADABLE", `${what} cannot be read: ${complaint.slice(0, SAID_CHARACTERS)}`);
}

function interrupted(): SlotError {
  return new SlotError("SLOT_INTERRUPTED", "debugfs was broken off");
}
