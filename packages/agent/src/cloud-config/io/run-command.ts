/** One command of runcmd, with what it prints going where our own output goes. */
import { systemCode } from "@rancheros/protocol/errors";
import { spawn, type ChildProcess } from "node:child_process";

import type { RunCommand } from "../cloud-config.ts";

/** @returns how it ended. Never rejects. */
export async function runShellCommand(command: RunCommand, signal: AbortSignal): Promise<string> {
  const [program = "", ...args] = command.kind === "shell" ? ["/bin/sh", "-c", command.script] : command.argv;
  const { promise, resolve } = Promise.withResolvers<string>();
  let child: ChildProcess;
  try {
    child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], cwd: "/" });
  } catch (error) {
    // Node throws some failures to start and tells the others as an event. Its message has the command in it.
    return notStarted(error);
  }
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  child.on("error", (error) => resolve(notStarted(error)));
  child.on("close", (code, killedBy) =>
    resolve(code === null ? `ended by ${killedBy ?? "a signal"}` : `exit code ${code}`),
  );
  const outcome = await promise;
  signal.removeEventListener("abort", stop);
  return outcome;
}

function notStarted(error: unknown): string {
  return `not started: ${systemCode(error) || "nobody knows why"}`;
}
