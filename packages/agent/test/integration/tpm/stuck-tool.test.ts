/** A tool in uninterruptible sleep, as a TPM whose driver does not come back makes it: writing to a file system that is frozen. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeFrozenDisk, type FrozenDisk } from "../../../../../test/disks/index.ts";
import { runTool } from "../../../src/tpm/io/tool-process.ts";

let disk: FrozenDisk;

beforeEach(() => {
  disk = makeFrozenDisk();
});

afterEach(() => disk.remove());

/** Of the one dd that writes there. */
function states(): readonly string[] {
  const text = execFileSync("ps", ["-eo", "stat=,args="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => (line.includes(`of=${disk.folder}`) ? [line.trim().charAt(0)] : []));
}

it.each(["timed-out", "cancelled"] as const)(
  "is waited for no longer than promised where it is %s",
  async (kind) => {
    const controller = new AbortController();
    const running = runTool({
      program: "dd",
      args: ["if=/dev/zero", `of=${join(disk.folder, "file")}`, "count=1"],
      environment: { PATH: process.env["PATH"] ?? "" },
      timeoutMs: kind === "cancelled" ? 60_000 : 2_000,
      graceMs: 0,
      killedMs: 500,
      signal: controller.signal,
    });
    // Killed before it waits in the kernel, it simply ends.
    if (kind === "cancelled") {
      await disk.untilWaited();
      controller.abort();
    }
    expect(await running).toMatchObject({ kind });
    expect(states()).toEqual(["D"]);
  },
  20_000,
);
