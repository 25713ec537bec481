/** How a command ends where the kernel never answers something that it asked. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  const { code, stdout } = await startProgram([process.execPath, PROGRAM, pipe, pidFile, "version"]).outcome;
  const pid = Number(await readFile(pidFile, "utf8"));
  try {
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("ros-agent") as string });
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  } finally {
    if (isRunning(pid)) process.kill(pid);
  }
});

/** Source: proc_pid_status(5) */
async function listensToCtrlC(pid: number | undefined): Promise<boolean> {
  const [, caught = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGINT - 1))) !== 0n;
}

it("ends at the second Ctrl-C, though the kernel still holds what the first one could not end", async () => {
  const [pipe, config] = [join(folder, "never-written"), join(folder, "waited-for")];
  execFileSync("mkfifo", [pipe, config]);
  const register = ["register", "--config", config];
  const { child, outcome } = startProgram([process.execPath, PROGRAM, pipe, join(folder, "pid"), ...register]);
  await expect.poll(() => listensToCtrlC(child.pid), { timeout: 20_000 }).toBe(true);
  // So long that it has come to its configuration, which it waits for.
  expect(await Promise.race([outcome, sleep(1_000, "waits")])).toBe("waits");
  child.stderr?.once("data", () => child.kill("SIGINT"));
  child.kill("SIGINT");
  const ended = await Promise.race([outcome, sleep(10_000, "hangs")]);
  if (ended === "hangs") child.kill("SIGKILL");
  expect(ended).toMatchObject({ code: 130, stdout: "", stderr: expect.stringContaining("Breaking off") as string });
});
