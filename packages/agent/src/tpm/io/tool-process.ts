/** Runs one program of tpm2-tools: bounded in time and output, told apart by how it ended, never judged here. */

import { execa } from "execa";

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
const KILL_AFTER_MS = 500;

/** @returns how the program ended; never throws for anything that the program did */
export async function runTool(call: ToolCall): Promise<ToolOutcome> {
  const { program, args, environment, timeoutMs, graceMs } = call;
  const breaker = createBreaker(call.signal, graceMs);
  const result = await execa(program, args, {
    env: environment,
    extendEnv: false,
    stdin: "ignore",
    encoding: "buffer",
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: timeoutMs,
    cancelSignal: breaker.signal,
    forceKillAfterDelay: KILL_AFTER_MS,
    reject: false,
    detached: graceMs !== 0,
  });
  breaker.dispose();
  if (result.timedOut) return { kind: "timed-out", timeoutMs };
  if (result.isCanceled) return { kind: "cancelled" };
  if (result.isMaxBuffer) return { kind: "flooded" };
  if (result.signal !== undefined) return { kind: "killed", signal: result.signal };
  if (result.exitCode === undefined) return { kind: "missing" };
  if (result.exitCode === 0) return { kind: "ok", stdout: result.stdout };
  return { kind: "failed", exitCode: result.exitCode, stderr: Buffer.from(result.stderr).toString("utf8") };
}

/** A signal that comes `graceMs` after the given one. */
function createBreaker(
  signal: AbortSignal,
  graceMs: ToolCall["graceMs"],
): { signal: AbortSignal; dispose: () => void } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    if (graceMs !== "to-the-end") timer = setTimeout(() => late.abort(), graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: late.signal,
    dispose() {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    },
  };
}
