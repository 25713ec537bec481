/** Runs the program as a user does: its own process, with an environment of the test's choice. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const DEADLINE_MS = 50_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** @param environment  added to PATH and HOME, and to nothing else */
export function startRosAgent(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  return startProgram([process.execPath, MAIN, ...args], environment);
}

export function rosAgent(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return startRosAgent(args, environment).outcome;
}

/** The same with another way to run it. */
export function startProgram(
  [program = "", ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const { PATH, HOME, NODE_OPTIONS } = process.env;
  const child = spawn(program, args, {
    env: { PATH, HOME, NODE_OPTIONS, ...environment },
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
