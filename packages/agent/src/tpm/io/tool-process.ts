/** Runs one program of tpm2-tools: bounded in time and output, told apart by how it ended, never judged here. */

import { breakable, startProgram, type ProgramEnding } from "../../programs/index.ts";

export interface ToolCall {
  /** Name of the executable, looked up in the environment's PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /**
   * How long the program may go on after the signal. With time left to it, it is also out of reach of a terminal's
   * Ctrl-C. "to-the-end": the signal does not concern it.
   */
  readonly graceMs: number | "to-the-end";
  /** How long it may take to end once it is killed: who waits in the kernel for a TPM does not. Default: 30 seconds. */
  readonly killedMs?: number;
}

export type ToolOutcome =
  | { readonly kind: "ok"; readonly stdout: Uint8Array }
  | { readonly kind: "failed"; readonly exitCode: number; readonly stderr: string }
  | { readonly kind: "missing" }
  | { readonly kind: "timed-out"; readonly timeoutMs: number }
  | { readonly kind: "cancelled" }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "flooded" };

/** An NV index holds at most 64 KiB, and the tools say little. */
const MAX_OUTPUT_BYTES = 256 * 1024;
/** From SIGTERM, which the tools do not catch, to SIGKILL. */
const TERM_MS = 500;
/** The slowest TPMs known need 20 s for a key, and the kernel lets nobody go before. */
const KILLED_MS = 30_000;

/** @returns how the program ended; never throws for anything that the program did */
export async function runTool(call: ToolCall): Promise<ToolOutcome> {
  const { program, args, environment, timeoutMs, graceMs, signal, killedMs = KILLED_MS } = call;
  const running = startProgram({
    program,
    args,
    environment,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    ownGroup: graceMs !== 0,
  });
  const { ending: ended, breakOff: end } = breakable(running, { termMs: TERM_MS, killedMs });
  let brokenOff: ToolOutcome | undefined;
  const breakOff = (outcome: ToolOutcome): void => {
    brokenOff ??= outcome;
    end();
  };
  const timer = setTimeout(() => breakOff({ kind: "timed-out", timeoutMs }), timeoutMs);
  const forget = whenGraceEnds(signal, graceMs, () => breakOff({ kind: "cancelled" }));
  const ending = await ended;
  forget();
  clearTimeout(timer);
  if (brokenOff !== undefined || ending === undefined) return brokenOff ?? { kind: "timed-out", timeoutMs };
  return outcomeOf(ending);
}

function outcomeOf(ending: ProgramEnding): ToolOutcome {
  if (ending.kind === "not-started") return { kind: "missing" };
  if (ending.kind === "flooded") return { kind: "flooded" };
  if (ending.kind === "killed") return { kind: "killed", signal: ending.signal };
  const { exitCode, stdout, stderr } = ending;
  if (exitCode === 0) return { kind: "ok", stdout };
  return { kind: "failed", exitCode, stderr: stderr.toString("utf8") };
}

/** Calls `graceMs` after the signal. @returns what makes it forget that */
function whenGraceEnds(signal: AbortSignal, graceMs: ToolCall["graceMs"], onEnd: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    if (graceMs !== "to-the-end") timer = setTimeout(onEnd, graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(timer);
  };
}
