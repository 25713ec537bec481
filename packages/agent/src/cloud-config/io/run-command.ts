/** One command of runcmd, with what it prints going where our own output goes. */
import { systemCode } from "@rancheros/protocol/errors";
import { spawn, type ChildProcess } from "node:child_process";

import { breakable, type BreakOffTimes } from "../../programs/index.ts";
import type { RunCommand } from "../cloud-config.ts";

/** From when it is broken off: some commands have a state to leave in order. */
const TIMES: BreakOffTimes = { termMs: 10_000, killedMs: 10_000 };

/** @returns how it ended. Never rejects. */
export async function runShellCommand(
  command: RunCommand,
  signal: AbortSignal,
  times: BreakOffTimes = TIMES,
): Promise<string> {
  const [program = "", ...args] = command.kind === "shell" ? ["/bin/sh", "-c", command.script] : command.argv;
  const { promise, resolve } = Promise.withResolvers<string>();
  let child: ChildProcess;
  try {
    child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], cwd: "/" });
  } catch (error) {
    // Node throws some failures to start and tells the others as an event. Its message has the command in it.
    return notStarted(error);
  }
  child.on("error", (error) => resolve(notStarted(error)));
  child.on("close", (code, killedBy) =>
    resolve(code === null ? `ended by ${killedBy ?? "a signal"}` : `exit code ${code}`),
  );
  const running = {
    ending: promise,
    kill: (ending: NodeJS.Signals): void => void child.kill(ending),
    abandon: (): void => child.unref(),
  };
  const { ending, breakOff } = breakable(running, times);
  signal.addEventListener("abort", breakOff, { once: true });
  if (signal.aborted) breakOff();
  const outcome = await ending;
  signal.removeEventListener("abort", breakOff);
  return outcome ?? "was killed, and still waits in the kernel";
}

function notStarted(error: unknown): string {
  return `not started: ${systemCode(error) || "nobody knows why"}`;
}
