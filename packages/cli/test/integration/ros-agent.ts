/** Runs the program as a user does: its own process, with an environment of the test's choice. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { AGENT_SOURCES, agentProgram } from "../../../../test/machine/agent-program.ts";

const DEADLINE_MS = 50_000;
const ROOT = path.resolve(import.meta.dirname, "../../../..");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** @param environment  added to PATH, HOME and TMPDIR, and to nothing else */
export function startRosAgent(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const { NODE_COMPILE_CACHE: cache } = process.env;
  // As scripts/ros-agent has it for the bundle; the sources set it up by themselves.
  const compiled = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
  return startProgram([process.execPath, agentProgram(), ...args], { ...compiled, ...environment });
}

export function rosAgent(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return startRosAgent(args, environment).outcome;
}

/** Source: setpriv(1) */
const AS_NOBODY = `mount --bind "$1" "$2" && cd / && shift 2 && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`;

/** As somebody who is not root, and owns nothing, and may not even go where the checkout lies, as below /root. */
export async function rosAgentOfNobody(args: readonly string[]): Promise<Outcome> {
  const place = mkdtempSync(path.join(tmpdir(), "nobody-"));
  const shown = (file: string): string => path.join(place, path.relative(ROOT, file));
  try {
    chmodSync(place, 0o755);
    const program = [shown(process.execPath), shown(AGENT_SOURCES), ...args];
    return await startProgram(["unshare", "--mount", "sh", "-c", AS_NOBODY, "sh", ROOT, place, ...program]).outcome;
  } finally {
    rmdirSync(place);
  }
}

/** From the sources, where it matters what those load, or which checkout they lie in. */
export function startSources(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  return startProgram([process.execPath, AGENT_SOURCES, ...args], environment);
}

/** The same with another way to run it. */
export function startProgram(
  [program = "", ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const { PATH, HOME, TMPDIR, NODE_OPTIONS } = process.env;
  const child = spawn(program, args, {
    env: { PATH, HOME, TMPDIR, NODE_OPTIONS, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: DEADLINE_MS,
  });
  return { child, outcome: outcomeOf(child) };
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

/** The error that a command told with --json. */
export function errorOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  const document: unknown = JSON.parse(outcome.stdout);
  const error: unknown =
    typeof document === "object" && document !== null && "error" in document ? document.error : null;
  if (typeof error !== "object" || error === null) throw new Error(`no error in ${outcome.stdout}`);
  return { ...error };
}
