/** Runs one of the programs that work on disks: bounded in time and output, its failure in its own words. */
import { breakable, startProgram, type ProgramEnding } from "../../programs/index.ts";
import { SlotError } from "../errors.ts";

export interface DiskProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** For its stdin. */
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Without: it runs to its end. */
  readonly signal?: AbortSignal;
  /** Of Debian, for whoever lacks it. */
  readonly from?: string;
  /** How long it may take to end once it is killed: what it has written is put onto the disk before. Default: a minute. */
  readonly killedMs?: number;
  /** Exit codes that are no failure; default only 0. */
  readonly accepts?: readonly number[];
}

const TIMEOUT_MS = 120_000;
const KILLED_MS = 60_000;
const OUTPUT_MAX_BYTES = 4 * 1024 * 1024;
const SAID_CHARACTERS = 600;
/** Other users than root often have no sbin in their PATH, and neither have services of some systems. */
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";

/** @returns its stdout. @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED, SLOT_TOOL_HANGS, SLOT_TOOL_STUCK, SLOT_INTERRUPTED */
export async function runProgram(call: DiskProgram): Promise<string> {
  const { program, args, input, timeoutMs = TIMEOUT_MS, signal, accepts = [0], killedMs = KILLED_MS } = call;
  const isBrokenOff = (): boolean => signal?.aborted === true;
  if (isBrokenOff()) throw interrupted(program);
  const running = startProgram({
    program,
    args,
    environment: environment(),
    maxOutputBytes: OUTPUT_MAX_BYTES,
    ownGroup: true,
    ...(input === undefined ? {} : { input }),
  });
  const late = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? late : AbortSignal.any([signal, late]);
  const { ending: ended, breakOff } = breakable(running, { termMs: 0, killedMs });
  either.addEventListener("abort", breakOff, { once: true });
  const ending = await ended;
  either.removeEventListener("abort", breakOff);
  if (ending === undefined) {
    throw new SlotError(
      "SLOT_TOOL_STUCK",
      `${program} was killed, and still waits in the kernel ${killedMs / 1000} s later`,
    );
  }
  if (isBrokenOff()) throw interrupted(program);
  if (late.aborted) throw new SlotError("SLOT_TOOL_HANGS", `${program} did not end within ${timeoutMs / 1000} s`);
  if (ending.kind === "not-started") {
    const from = call.from === undefined ? "" : ` (Debian: ${call.from})`;
    throw new SlotError("SLOT_TOOL_MISSING", `${program}${from} cannot be started`, { cause: ending.cause });
  }
  if (ending.kind === "exited" && accepts.includes(ending.exitCode)) return ending.stdout.toString("utf8");
  throw new SlotError("SLOT_TOOL_FAILED", `${[program, ...args].join(" ")}: ${said(ending)}`);
}

function environment(): Readonly<Record<string, string>> {
  const { PATH = "/usr/bin:/bin", HOME = "/root" } = process.env;
  return { PATH: `${PATH}:${SBIN}`, HOME, LC_ALL: "C" };
}

function said(ending: Exclude<ProgramEnding, { readonly kind: "not-started" }>): string {
  if (ending.kind === "flooded") return "printed too much";
  if (ending.kind === "killed") return `was ended by ${ending.signal}`;
  const words = ending.stderr.toString("utf8").trim() || ending.stdout.toString("utf8").trim();
  return words.slice(-SAID_CHARACTERS) || `ended with ${ending.exitCode}`;
}

function interrupted(program: string): SlotError {
  return new SlotError("SLOT_INTERRUPTED", `${program} was broken off`);
}
