/** One command of runcmd, with what it prints going where our own output goes. */
import { spawn } from "node:child_process";

import type { RunCommand } from "../cloud-config.ts";

/** @returns how it ended. Never rejects. */
export async function runShellCommand(command: RunCommand, signal: AbortSignal): Promise<string> {
  const [program = "", ...args] = command.kind === "shell" ? ["/bin/sh", "-c", command.script] : command.argv;
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], cwd: "/" });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  child.on("error", (error) => resolve(`not started: ${"code" in error ? String(error.code) : error.name}`));
  child.on("close", (code, killedBy) =>
    resolve(code === null ? `ended by ${killedBy ?? "a signal"}` : `exit code ${code}`),
  );
  const outcome = await promise;
  signal.removeEventListener("abort", stop);
  return outcome;
}
