/** Programs that no signal ends, as those that wait for a disk that does not answer: here it is a frozen file system. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeFrozenDisk, type FrozenDisk } from "../../../../../test/disks/index.ts";
import { runTool } from "../../../src/containers/io/run-tool.ts";
import { runChecks } from "../../../src/upgrade/io/check-programs.ts";

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
