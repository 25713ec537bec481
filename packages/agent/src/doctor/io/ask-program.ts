/** Runs a program that only tells something: bounded in time and output. */
import { breakable, startProgram, type ProgramCall, type RunningProgram } from "../../programs/index.ts";

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Question {
  readonly program: string;
  readonly args: readonly string[];
  readonly maxOutputBytes?: number;
  readonly signal: AbortSignal;
}

const OUTPUT_MAX_BYTES = 256 * 1024;
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";

/** @returns undefined where it is not there, was ended, or printed too much */
export async function askProgram(
  { program, args, maxOutputBytes = OUTPUT_MAX_BYTES, signal }: Question,
  start: (call: ProgramCall) => RunningProgram = startProgram,
): Promise<Answer | undefined> {
  if (signal.aborted) return undefined;
  const running = start({
    program,
    args,
    environment: { PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${SBIN}`, HOME: "/", LC_ALL: "C", TZ: "UTC" },
    maxOutputBytes,
    ownGroup: true,
  });
  // A check that is late is told as it is, whatever becomes of its program.
  const { ending: ended, breakOff } = breakable(running, { termMs: 0, killedMs: 0 });
  signal.addEventListener("abort", breakOff, { once: true });
  const ending = await ended;
  signal.removeEventListener("abort", breakOff);
  if (ending?.kind !== "exited") return undefined;
  const { exitCode, stdout, stderr } = ending;
  return { exitCode, stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
}
