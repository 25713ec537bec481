/** Starts a program, bounds what it prints, and tells how it ended. */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";

export interface ProgramCall {
  /** A path, or a name that is looked up in the environment's PATH. No shell reads it or the arguments. */
  readonly program: string;
  readonly args: readonly string[];
  /** The folder that it is started in; without, this process's own. */
  readonly cwd?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For each of stdout and stderr; whoever prints more is killed. */
  readonly maxOutputBytes: number;
  /**
   * A process group of its own: a terminal's Ctrl-C does not reach it, what it starts is ended with it, and it outlives
   * this process. Without: it ends with this process.
   */
  readonly ownGroup: boolean;
  /** A file that the program holds open as its descriptor 3 for as long as it runs. */
  readonly heldDescriptor?: number;
  /** What it reads; without, there is nothing to read. */
  readonly input?: string;
}

export type ProgramEnding =
  | { readonly kind: "exited"; readonly exitCode: number; readonly stdout: Buffer; readonly stderr: Buffer }
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals; readonly stdout: Buffer; readonly stderr: Buffer }
  | { readonly kind: "flooded" }
  | { readonly kind: "not-started"; readonly cause: unknown };

export interface RunningProgram<Ending = ProgramEnding> {
  /** After the program has ended and its output is read to the end. Never rejects. */
  readonly ending: Promise<Ending>;
  /** Ends it, with its group if it has one; its output is not read any further. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Neither waits for it any longer nor keeps this process for its sake: not even SIGKILL ends who waits in the kernel. */
  abandon(): void;
}

export function startProgram(call: ProgramCall): RunningProgram {
  const { program, args, cwd, environment, ownGroup, heldDescriptor, input } = call;
  const held = heldDescriptor === undefined ? [] : [heldDescriptor];
  const stdin = input === undefined ? "ignore" : "pipe";
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd,
      env: environment,
      stdio: [stdin, "pipe", "pipe", ...held],
      detached: ownGroup,
    });
  } catch (cause) {
    // Node throws some failures to start (a list of arguments that is too long) and tells the others as an event.
    return { ending: Promise.resolve({ kind: "not-started", cause }), kill: () => undefined, abandon: () => undefined };
  }
  // Whoever ends without having read all of it says so by its exit code.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  return watched(child, call);
}

function watched(child: ChildProcess, { maxOutputBytes, ownGroup }: ProgramCall): RunningProgram {
  const { promise: ending, resolve } = Promise.withResolvers<ProgramEnding>();
  const kill = (signal: NodeJS.Signals): void => {
    // Whoever has left the group may hold the output open for ever.
    child.stdout?.destroy();
    child.stderr?.destroy();
    if (ownGroup) killGroup(child.pid, signal);
    else child.kill(signal);
  };
  const onFlood = (): void => {
    resolve({ kind: "flooded" });
    kill("SIGKILL");
  };
  const stdout = collect(child.stdout, maxOutputBytes, onFlood);
  const stderr = collect(child.stderr, maxOutputBytes, onFlood);
  const endWithUs = (): void => {
    child.kill("SIGTERM");
  };
  if (!ownGroup) process.once("exit", endWithUs);
  void ending.then(() => process.off("exit", endWithUs));
  child.on("error", (cause) => resolve({ kind: "not-started", cause }));
  child.once("close", (exitCode: number | null, signal: NodeJS.Signals | null) => {
    const output = { stdout: stdout(), stderr: stderr() };
    if (exitCode === null) resolve({ kind: "killed", signal: signal ?? "SIGKILL", ...output });
    else resolve({ kind: "exited", exitCode, ...output });
  });
  return { ending, kill, abandon: () => child.unref() };
}

/** @returns what came until now */
function collect(stream: Readable | null, maxBytes: number, onFlood: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) onFlood();
    else chunks.push(chunk);
  });
  // A pipe that breaks is a program that ends, and "close" tells that.
  stream?.on("error", () => undefined);
  return () => Buffer.concat(chunks);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them are gone already.
  }
}
