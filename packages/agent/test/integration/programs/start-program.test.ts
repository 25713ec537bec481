/** Programs that behave and that do not, each a line of shell. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startProgram, type ProgramCall, type RunningProgram } from "../../../src/programs/index.ts";

const ENDS_EARLY = fileURLToPath(new URL("ends-early.ts", import.meta.url));

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "programs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function shell(script: string, call: Partial<ProgramCall> = {}): RunningProgram {
  const usual = { environment: { PATH: process.env["PATH"] }, maxOutputBytes: 4096, ownGroup: false };
  return startProgram({ program: "/bin/sh", args: ["-c", script], ...usual, ...call });
}

async function whenThere(file: string): Promise<string> {
  while (!existsSync(file) || readFileSync(file, "utf8") === "") await sleep(20);
  return readFileSync(file, "utf8").trim();
}

async function isGone(pid: string): Promise<boolean> {
  for (let round = 0; round < 50; round += 1) {
    const stat = path.join("/proc", pid, "stat");
    if (!existsSync(stat) || /\) [ZX]/.test(readFileSync(stat, "utf8"))) return true;
    await sleep(20);
  }
  return false;
}

describe("a program", () => {
  it("is told by its exit code and its output, byte for byte", async () => {
    expect(await shell(String.raw`printf 'a\0\377'; printf 'b\n' >&2; exit 3`).ending).toEqual({
      kind: "exited",
      exitCode: 3,
      stdout: Buffer.from([0x61, 0, 0xff]),
      stderr: Buffer.from("b\n"),
    });
  });

  it("has the environment that was given and no other, and nothing to read", async () => {
    const { ending } = shell("cat; env", { environment: { GIVEN: "1" } });
    const text = String(((await ending) as { stdout: Buffer }).stdout);
    expect(text.split("\n").filter((line) => !/^(PWD|_|OLDPWD|SHLVL)=/.test(line))).toEqual(["GIVEN=1", ""]);
  });

  it("is started in the folder that was given", async () => {
    expect(await shell("pwd", { cwd: folder }).ending).toMatchObject({ stdout: Buffer.from(`${folder}\n`) });
  });

  it("that is ended by a signal is told with it", async () => {
    expect(await shell("kill -SEGV $$").ending).toMatchObject({ kind: "killed", signal: "SIGSEGV" });
  });

  it.each([
    { title: "is missing", call: { program: "no-such-program" }, code: "ENOENT" },
    { title: "is no program", call: { program: "/etc/passwd" }, code: "EACCES" },
    { title: "has no folder to start in", call: { cwd: "/no-such-folder" }, code: "ENOENT" },
    { title: "has too many arguments", call: { args: ["-c", ":", "x".repeat(3_000_000)] }, code: "E2BIG" },
    { title: "has a zero in an argument", call: { args: ["-c", "\0"] }, code: "ERR_INVALID_ARG_VALUE" },
  ])("that $title is not started, whether Node throws that or tells it", async ({ call, code }) => {
    const running = shell(":", call);
    running.kill("SIGTERM");
    expect(await running.ending).toMatchObject({ kind: "not-started", cause: { code } });
  });

  it.each(["exec yes", "exec yes >&2", "yes"])("that prints without end is stopped: %s", async (script) => {
    expect(await shell(script).ending).toEqual({ kind: "flooded" });
  });

  it("may print as much as is allowed", async () => {
    const { ending } = shell("head -c 4096 /dev/zero; head -c 4096 /dev/zero >&2");
    expect(await ending).toMatchObject({ kind: "exited", exitCode: 0, stdout: Buffer.alloc(4096) });
  });
});

describe("killing", () => {
  it("ends the whole group, and does not wait for an output that somebody else holds open", async () => {
    const [inGroup, outside] = [path.join(folder, "in-group"), path.join(folder, "outside")];
    const script =
      `sh -c 'echo $$ > ${inGroup}; exec sleep 60' & ` +
      `setsid sh -c 'echo $$ > ${outside}; exec sleep 60' & trap '' TERM; wait; wait`;
    const running = shell(script, { ownGroup: true });
    const [first, second] = [await whenThere(inGroup), await whenThere(outside)];
    running.kill("SIGKILL");
    expect(await running.ending).toMatchObject({ kind: "killed", signal: "SIGKILL" });
    expect(await isGone(first)).toBe(true);
    process.kill(Number(second), "SIGKILL");
  });
});

describe("when this process ends, a program", () => {
  it.each([
    { ownGroup: "own-group", gone: false },
    { ownGroup: "no-group", gone: true },
  ])("with $ownGroup is gone: $gone", async ({ ownGroup, gone }) => {
    const file = path.join(folder, ownGroup);
    await promisify(execFile)(process.execPath, [ENDS_EARLY, ownGroup, `echo $$ > ${file}; exec sleep 60`]);
    const pid = await whenThere(file);
    expect(await isGone(pid)).toBe(gone);
    if (!gone) process.kill(Number(pid), "SIGKILL");
  });
});
