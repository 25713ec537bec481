/** useradd, usermod, groupadd and chpasswd: the system's own programs, for / or for another root. */
import { spawn } from "node:child_process";

import type { ProgramStep } from "../apply/plan-users.ts";
import { CloudConfigError } from "../errors.ts";

const TIMEOUT_MS = 60_000;
const TOLD_CHARACTERS = 512;
const SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/**
 * @param root  where the files of the accounts are. chpasswd knows only chroot as a way there, the others are given a prefix:
 *              programs and libraries are this system's.
 * @throws CloudConfigError CLOUD_CONFIG_PROGRAM_MISSING, CLOUD_CONFIG_PROGRAM_FAILED, CLOUD_CONFIG_INTERRUPTED
 */
export async function runAccountProgram(root: string, step: ProgramStep, signal: AbortSignal): Promise<void> {
  const { program, args, stdin } = step;
  const rooted = root === "/" ? args : [program === "chpasswd" ? "--root" : "--prefix", root, ...args];
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly code: number | null; readonly said: string }>();
  const child = spawn(program, rooted, {
    env: { PATH: SBIN, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "ignore", "pipe"],
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-TOLD_CHARACTERS)));
  child.on("error", reject).on("close", (code) => resolve({ code, said }));
  // A program that has ended already does not read; its exit code tells.
  child.stdin.on("error", () => undefined).end(stdin ?? "");
  const ended = await promise.catch((cause: unknown) => {
    throw new CloudConfigError("CLOUD_CONFIG_PROGRAM_MISSING", `${program} cannot be started`, {
      cause,
      details: { program },
    });
  });
  if (signal.aborted) throw new CloudConfigError("CLOUD_CONFIG_INTERRUPTED", "applying was broken off");
  if (ended.code === 0) return;
  const why =
    ended.said.trim() === "" ? `exit code ${String(ended.code)}` : ended.said.trim().replaceAll(/\s*\n\s*/g, "; ");
  throw new CloudConfigError("CLOUD_CONFIG_PROGRAM_FAILED", `${program}: ${why}`, { details: { program } });
}
