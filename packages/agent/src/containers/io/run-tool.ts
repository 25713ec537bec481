/** Runs a runtime's program: bounded in time and output, told apart by how it ended, never judged here. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";

import { breakable, startProgram, type ProgramEnding } from "../../programs/index.ts";

export interface ToolCall {
  readonly program: string;
  readonly args: readonly string[];
  /** The folder that it is started in; without, this process's own. */
  readonly cwd?: string;
  /** More than PATH and HOME; what is secret belongs here no more than into the arguments. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxOutputBytes?: number;
  /** Ends the program. Without: it runs to its end, so that nothing is left half done. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take to end once it is killed: who waits in the kernel for a disk does not. Default: 30 seconds. */
  readonly killedMs?: number;
  /** Held open from before the start to the end, made where it is missing: by it the call is found by the next agent. */
  readonly heldFile?: string;
}

export type ToolOutcome =
  | { readonly kind: "ok"; readonly stdout: Buffer; readonly stderr: string }
  | { readonly kind: "failed"; readonly exitCode: number; readonly stdout: Buffer; readonly stderr: string }
  | { readonly kind: "missing"; readonly cause: unknown }
  | { readonly kind: "timed-out"; readonly timeoutMs: number }
  | { readonly kind: "cancelled" }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "flooded" };

/** A list of all containers of a crowded node stays far below. */
const DEFAULT_MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const TERM_MS = 2_000;
const KILLED_MS = 30_000;

/** Never throws for anything that the program did. */
export async function runTool(call: ToolCall): Promise<ToolOutcome> {
  const { program, args, timeoutMs, signal, killedMs = KILLED_MS } = call;
  if (signal?.aborted === true) return { kind: "cancelled" };
  const held = call.heldFile === undefined ? undefined : openHeld(call.heldFile);
  const running = startProgram({
    program,
    args,
    ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
    environment: toolEnvironment(call.environment),
    maxOutputBytes: call.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    // Ctrl-C comes by the signal.
    ownGroup: true,
    ...(held === undefined ? {} : { heldDescriptor: held }),
  });
  // The program has its own.
  if (held !== undefined) closeSync(held);
  const { ending: ended, breakOff: end } = breakable(running, { termMs: TERM_MS, killedMs });
  let brokenOff: ToolOutcome | undefined;
  const breakOff = (outcome: ToolOutcome): void => {
    brokenOff ??= outcome;
    end();
  };
  const onAbort = (): void => breakOff({ kind: "cancelled" });
  const timer = setTimeout(() => breakOff({ kind: "timed-out", timeoutMs }), timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  const ending = await ended;
  signal?.removeEventListener("abort", onAbort);
  clearTimeout(timer);
  if (brokenOff !== undefined || ending === undefined) return brokenOff ?? { kind: "timed-out", timeoutMs };
  return outcomeOf(ending);
}

function outcomeOf(ending: ProgramEnding): ToolOutcome {
  if (ending.kind === "not-started") return { kind: "missing", cause: ending.cause };
  if (ending.kind === "flooded") return { kind: "flooded" };
  if (ending.kind === "killed") return { kind: "killed", signal: ending.signal };
  const { exitCode, stdout } = ending;
  const stderr = ending.stderr.toString("utf8");
  return exitCode === 0 ? { kind: "ok", stdout, stderr } : { kind: "failed", exitCode, stdout, stderr };
}

/** In this moment also by this process: between its start and its own program the child is found by that. */
function openHeld(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return openSync(file, "a", 0o600);
}

/** A proxy must not come between the program and this process's own loopback. */
export function toolEnvironment(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    PATH: process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: process.env["HOME"] ?? "/root",
    LC_ALL: "C",
    ...more,
  };
}
