/** Reads what a slot says of itself without mounting it: nothing is in the way of whoever writes it meanwhile. */
import { endWithin, startProgram } from "../../programs/index.ts";
import { readSlotStamp, STAMP_FILE, STAMP_MAX_BYTES, type SlotStamp } from "../slot-stamp.ts";

const TIMEOUT_MS = 30_000;
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";
/** debugfs says these on stderr, and ends well. Source: e2fsprogs, debugfs(8); lib/et's texts in English */
const NOTHING_THERE = /File not found|Bad magic number|Attempt to read block/;

/**
 * @param device  path of a partition, or of a file that is one
 * @returns "none" where the slot holds no system that was written to its end; undefined where it cannot be told
 */
export async function peekStamp(device: string, signal: AbortSignal): Promise<SlotStamp | "none" | undefined> {
  if (signal.aborted) return undefined;
  const running = startProgram({
    program: "debugfs",
    // Without bitmaps: it reads one file, on what may be in use.
    args: ["-c", "-R", `cat /${STAMP_FILE}`, device],
    environment: { PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${SBIN}`, LC_ALL: "C", DEBUGFS_PAGER: "cat" },
    maxOutputBytes: STAMP_MAX_BYTES,
    ownGroup: true,
  });
  const ending = await endWithin(running, { timeoutMs: TIMEOUT_MS, killedMs: 0, signal });
  if (ending?.kind !== "exited") return undefined;
  const stamp = readSlotStamp(ending.stdout.toString("utf8"));
  if (stamp !== undefined) return stamp;
  return NOTHING_THERE.test(ending.stderr.toString("utf8")) ? "none" : undefined;
}
