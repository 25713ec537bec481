/** Programs that no signal ends, as those that wait for a disk that does not answer: here it is a frozen file system. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { makeFrozenDisk, type FrozenDisk } from "../../../../../test/disks/index.ts";
import { runAccountProgram } from "../../../src/cloud-config/io/account-programs.ts";
import { runShellCommand } from "../../../src/cloud-config/io/run-command.ts";
import { runTool } from "../../../src/containers/io/run-tool.ts";
import { folderTar } from "../../../src/slots/io/folder-tar.ts";
import { runChecks } from "../../../src/upgrade/io/check-programs.ts";
import { grubSlots } from "../../../src/upgrade/io/grub-slots.ts";

/** For a program to come as far as to the disk, however busy the machine is. */
const TIMEOUT_MS = 2_000;

let disk: FrozenDisk;

beforeEach(() => {
  disk = makeFrozenDisk();
});

afterEach(() => disk.remove());

it("an administrator's check fails, and those after it run", async () => {
  const folder = join(disk.home, "checks.d");
  mkdirSync(folder);
  const check = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  check("10-disk", `exec dd if=/dev/zero of=${join(disk.folder, "file")} count=1`);
  check("20-other", "exit 0");
  const { signal } = new AbortController();
  const results = await runChecks(folder, { timeoutMs: TIMEOUT_MS, killedMs: 500, signal, log: () => undefined });
  expect(results.map(({ name, failure }) => [name, failure])).toEqual([
    ["10-disk", "was killed, and still waits in the kernel"],
    ["20-other", undefined],
  ]);
}, 20_000);

it("a container runtime's program has taken too long, and is waited for no longer", async () => {
  const args = ["if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
  const outcome = await runTool({ program: "dd", args, timeoutMs: TIMEOUT_MS, killedMs: 500 });
  expect(outcome).toEqual({ kind: "timed-out", timeoutMs: TIMEOUT_MS });
}, 20_000);

/** Puts files onto the disk, which is frozen again afterwards. */
function onDisk(write: () => void): void {
  execFileSync("fsfreeze", ["--unfreeze", disk.folder]);
  write();
  execFileSync("fsfreeze", ["--freeze", disk.folder]);
}

it("a rollback says that the boot loader's program waits in the kernel", async () => {
  const root = join(disk.home, "root");
  mkdirSync(root);
  symlinkSync(disk.folder, join(root, "oem"));
  onDisk(() => execFileSync("grub-editenv", [join(disk.folder, "grubenv"), "create"]));
  const slots = grubSlots(root, () => Promise.resolve("active"), { timeoutMs: TIMEOUT_MS, killedMs: 500 });
  const failure = slots.startNext("fallback");
  await expect(failure).rejects.toMatchObject({ code: "UPGRADE_ROLLBACK_FAILED" });
  await expect(failure).rejects.toThrow("was killed, and still waits in the kernel");
}, 20_000);

it("a cloud-config says that useradd waits in the kernel", async () => {
  onDisk(() => {
    mkdirSync(join(disk.folder, "etc"));
    for (const name of ["passwd", "group", "shadow", "gshadow"]) writeFileSync(join(disk.folder, "etc", name), "");
  });
  const step = { program: "useradd", args: ["--badname", "alice"] } as const;
  const { signal } = new AbortController();
  const failure = runAccountProgram(disk.folder, step, signal, { timeoutMs: TIMEOUT_MS, killedMs: 500 });
  await expect(failure).rejects.toMatchObject({
    code: "CLOUD_CONFIG_PROGRAM_FAILED",
    message: "useradd: was killed, and still waits in the kernel",
  });
}, 20_000);

it("who reads the hardware gives it up, and keeps no program that has done all else", async () => {
  const module = join(import.meta.dirname, "../../../src/hardware/io/collector.ts");
  const command = ["dd", "if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
  const call = `{ command: ${JSON.stringify(command)}, timeoutMs: ${TIMEOUT_MS}, signal: new AbortController().signal }`;
  const script = `import { runCollector } from ${JSON.stringify(module)};
    await runCollector(${call}).catch(({ code }) => console.log(code));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "exit");
  expect([child.exitCode, printed]).toEqual([0, "HARDWARE_TIMED_OUT\n"]);
});

describe("the copy of the live system", () => {
  const times = { stallMs: 60_000, killedMs: 500 };

  function withTar(script: string): void {
    const bin = join(disk.home, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "tar"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, "tar"), 0o755);
    vi.stubEnv("PATH", `${bin}:${process.env["PATH"] ?? ""}`);
  }

  afterEach(() => vi.unstubAllEnvs());

  it("is broken off although tar waits in the kernel", async () => {
    withTar(`exec dd if=/dev/zero of=${join(disk.folder, "file")} count=1`);
    const breaking = new AbortController();
    const piece = folderTar(disk.home, breaking.signal, times).next();
    await disk.untilWaited();
    breaking.abort();
    await expect(piece).rejects.toMatchObject({ code: "SLOT_TOOL_STUCK" });
  }, 20_000);

  it("ends where tar gives nothing for too long, and not where nobody takes what it gives", async () => {
    withTar("echo first; exec sleep 60");
    const { signal } = new AbortController();
    const pieces = folderTar(disk.home, signal, { stallMs: TIMEOUT_MS, killedMs: 20_000 });
    expect(String((await pieces.next()).value)).toBe("first\n");
    await new Promise((resolve) => setTimeout(resolve, 2 * TIMEOUT_MS));
    const begun = performance.now();
    await expect(pieces.next()).rejects.toMatchObject({ code: "SLOT_TOOL_HANGS" });
    expect(performance.now() - begun).toBeGreaterThan(0.8 * TIMEOUT_MS);
  }, 20_000);
});

describe("a command of runcmd that is broken off", () => {
  it("is waited for no longer where it waits in the kernel", async () => {
    const argv = ["dd", "if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
    const breaking = new AbortController();
    const times = { termMs: 500, killedMs: 500 };
    const outcome = runShellCommand({ kind: "program", argv }, breaking.signal, times);
    await disk.untilWaited();
    breaking.abort();
    expect(await outcome).toBe("was killed, and still waits in the kernel");
  }, 20_000);

  it("is killed where it does not end when it is asked to", async () => {
    const trapped = join(disk.home, "trapped");
    const script = `trap '' TERM; >${trapped}; while :; do sleep 0.1; done`;
    const breaking = new AbortController();
    const times = { termMs: 500, killedMs: 20_000 };
    const outcome = runShellCommand({ kind: "shell", script }, breaking.signal, times);
    await expect.poll(() => existsSync(trapped)).toBe(true);
    breaking.abort();
    expect(await outcome).toBe("ended by SIGKILL");
  }, 20_000);
});
