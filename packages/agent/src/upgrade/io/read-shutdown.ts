/** Whether the machine is about to restart or to be switched off, as far as there is somebody who would know. */
import { access } from "node:fs/promises";
import { join } from "node:path";

import { endWithin, startProgram } from "../../programs/index.ts";
import type { HostPort } from "../ports.ts";

const QUERY_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 4096;
/** Of a system that systemd runs. Source: systemctl(1), is-system-running */
const RUNS: ReadonlySet<string> = new Set(["initializing", "starting", "running", "degraded", "maintenance"]);

/**
 * systemd knows a restart as soon as it is told, and logind, which holds it back for those who asked it to, from the request on.
 * Without both the file by which logins are refused tells that one has begun.
 */
export async function readShutdown(hostRoot: string): ReturnType<HostPort["shutdown"]> {
  if (hostRoot === "/") {
    const state = await printed("systemctl", ["is-system-running"]);
    if (state === "stopping") return "under-way";
    if (RUNS.has(state))
      return logindWord(await printed("loginctl", ["show-session", "--property=PreparingForShutdown"]));
  }
  return access(join(hostRoot, "/run/nologin")).then(
    () => "under-way",
    () => "unknown",
  );
}

/** Without a session's name it is the manager itself that is shown. Source: loginctl(1) */
function logindWord(word: string): Awaited<ReturnType<HostPort["shutdown"]>> {
  if (word === "PreparingForShutdown=yes") return "under-way";
  return word === "PreparingForShutdown=no" ? "none" : "unknown";
}

/** Nothing where it cannot be asked. */
async function printed(program: string, args: readonly string[]): Promise<string> {
  const running = startProgram({
    program,
    args,
    environment: process.env,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    ownGroup: false,
  });
  const ending = await endWithin(running, { timeoutMs: QUERY_TIMEOUT_MS });
  return ending?.kind === "exited" ? ending.stdout.toString("utf8").trim() : "";
}
