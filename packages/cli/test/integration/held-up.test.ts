/** How a command ends where the kernel never answers something that it asked. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

import { startProgram } from "./ros-agent.ts";

const PROGRAM = fileURLToPath(new URL("held-up-start.ts", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "held-up-"));
});
afterEach(() => rm(folder, { recursive: true }));

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it("ends the programs that are to end with it", async () => {
  const pipe = join(folder, "never-written");
  const pidFile = join(folder, "pid");
  execFileSync("mkfifo", [pipe]);
  const { code, stdout } = await startProgram([process.execPath, PROGRAM, pipe, pidFile]).outcome;
  const pid = Number(await readFile(pidFile, "utf8"));
  try {
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("ros-agent") as string });
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  } finally {
    if (isRunning(pid)) process.kill(pid);
  }
});
