/** Programs that no signal ends, as those that wait for a disk that does not answer: here it is a frozen file system. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { runTool } from "../../../src/containers/io/run-tool.ts";
import { mount } from "../../../src/slots/io/file-systems.ts";
import { runChecks } from "../../../src/upgrade/io/check-programs.ts";

const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };

let home: string;
let disk: TestDisk;
let frozen: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "stuck-check-"));
  disk = makeDisk(home, 16 * 1024 ** 2);
  frozen = join(home, "frozen");
  execFileSync("mkfs.ext4", ["-q", disk.device], PROGRAMS);
  await mount(disk.device, frozen, "rw");
  execFileSync("fsfreeze", ["--freeze", frozen], PROGRAMS);
});

afterEach(() => {
  execFileSync("fsfreeze", ["--unfreeze", frozen], PROGRAMS);
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

it("an administrator's check fails, and those after it run", async () => {
  const folder = join(home, "checks.d");
  mkdirSync(folder);
  const check = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  check("10-disk", `exec dd if=/dev/zero of=${join(frozen, "file")} count=1`);
  check("20-other", "exit 0");
  const { signal } = new AbortController();
  const results = await runChecks(folder, { timeoutMs: 500, killedMs: 500, signal, log: () => undefined });
  expect(results.map(({ name, failure }) => [name, failure])).toEqual([
    ["10-disk", "was killed, and still waits in the kernel"],
    ["20-other", undefined],
  ]);
}, 20_000);

it("a container runtime's program has taken too long, and is waited for no longer", async () => {
  const args = ["if=/dev/zero", `of=${join(frozen, "file")}`, "count=1"];
  const outcome = await runTool({ program: "dd", args, timeoutMs: 500, killedMs: 500 });
  expect(outcome).toEqual({ kind: "timed-out", timeoutMs: 500 });
}, 20_000);
