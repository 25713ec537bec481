/** Programs that no signal ends, as those that wait for a disk that does not answer: here it is a frozen file system. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeFrozenDisk, type FrozenDisk } from "../../../../../test/disks/index.ts";
import { runAccountProgram } from "../../../src/cloud-config/io/account-programs.ts";
import { runShellCommand } from "../../../src/cloud-config/io/run-command.ts";
import { runTool } from "../../../src/containers/io/run-tool.ts";
import { folderTar } from "../../../src/slots/io/folder-tar.ts";
import { runChecks } from "../../../src/upgrade/io/check-programs.ts";
import { grubSlots } from "../../../src/upgrade/io/grub-slots.ts";

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
  const results = await runChecks(folder, { timeoutMs: 500, killedMs: 500, signal, log: () => undefined });
  expect(results.map(({ name, failure }) => [name, failure])).toEqual([
    ["10-disk", "was killed, and still waits in the kernel"],
    ["20-other", undefined],
  ]);
}, 20_000);

it("a container runtime's program has taken too long, and is waited for no longer", async () => {
  const args = ["if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
  const outcome = await runTool({ program: "dd", args, timeoutMs: 500, killedMs: 500 });
  expect(outcome).toEqual({ kind: "timed-out", timeoutMs: 500 });
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
  const slots = grubSlots(root, () => Promise.resolve("active"), { timeoutMs: 500, killedMs: 500 });
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
  const failure = runAccountProgram(disk.folder, step, signal, { timeoutMs: 500, killedMs: 500 });
  await expect(failure).rejects.toMatchObject({
    code: "CLOUD_CONFIG_PROGRAM_FAILED",
    message: "useradd: was killed, and still waits in the kernel",
  });
}, 20_000);

it("who reads the hardware gives it up, and keeps no program that has done all else", async () => {
  const module = join(import.meta.dirname, "../../../src/hardware/io/collector.ts");
  const command = ["dd", "if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
  const call = `{ command: ${JSON.stringify(command)}, timeoutMs: 500, signal: new AbortController().signal }`;
  const script = `import { runCollector } from ${JSON.stringify(module)};
    await runCollector(${call}).catch(({ code }) => console.log(code));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  await once(child, "exit", { signal: AbortSignal.timeout(10_000) });
  expect([child.exitCode, printed]).toEqual([0, "HARDWARE_TIMED_OUT\n"]);
}, 20_000);

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
    const pieces = folderTar(disk.home, AbortSignal.timeout(500), times);
    await expect(pieces.next()).rejects.toMatchObject({ code: "SLOT_TOOL_STUCK" });
  }, 20_000);

  it("ends where tar gives nothing for too long, and not where nobody takes what it gives", async () => {
    withTar("echo first; exec sleep 60");
    const { signal } = new AbortController();
    const pieces = folderTar(disk.home, signal, { ...times, stallMs: 500 });
    expect(String((await pieces.next()).value)).toBe("first\n");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const begun = performance.now();
    await expect(pieces.next()).rejects.toMatchObject({ code: "SLOT_TOOL_HANGS" });
    expect(performance.now() - begun).toBeGreaterThan(400);
  }, 20_000);
});

describe("a command of runcmd that is broken off", () => {
  const times = { termMs: 500, killedMs: 500 };

  it("is waited for no longer where it waits in the kernel", async () => {
    const argv = ["dd", "if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"];
    const outcome = await runShellCommand({ kind: "program", argv }, AbortSignal.timeout(500), times);
    expect(outcome).toBe("was killed, and still waits in the kernel");
  }, 20_000);

  it("is killed where it does not end when it is asked to", async () => {
    const script = "trap '' TERM; while :; do sleep 0.1; done";
    const outcome = await runShellCommand({ kind: "shell", script }, AbortSignal.timeout(500), times);
    expect(outcome).toBe("ended by SIGKILL");
  }, 20_000);
});
