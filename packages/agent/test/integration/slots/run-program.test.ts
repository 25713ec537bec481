/** A program in uninterruptible sleep, as a disk that does not answer makes it: writing to a file system that is frozen. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeFrozenDisk, type FrozenDisk } from "../../../../../test/disks/index.ts";
import { runProgram } from "../../../src/slots/io/run-program.ts";

let disk: FrozenDisk;
let folder: string;

beforeEach(() => {
  disk = makeFrozenDisk();
  ({ folder } = disk);
});

afterEach(() => disk.remove());

/** Of the one dd that writes there. */
function states(): readonly string[] {
  const text = execFileSync("ps", ["-eo", "stat=,args="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => (line.includes(`of=${folder}`) ? [line.trim().charAt(0)] : []));
}

it.each(["its time is over", "somebody breaks it off"] as const)(
  "is waited for no longer than promised when %s",
  async (why) => {
    const controller = new AbortController();
    const args = ["if=/dev/zero", `of=${join(folder, "file")}`, "count=1"];
    const isBrokenOff = why === "somebody breaks it off";
    const timeoutMs = isBrokenOff ? 60_000 : 2_000;
    const begun = performance.now();
    const running = runProgram({ program: "dd", args, timeoutMs, killedMs: 500, signal: controller.signal });
    // Killed before it waits in the kernel, it simply ends.
    if (isBrokenOff) {
      await disk.untilWaited();
      controller.abort();
    }
    await expect(running).rejects.toMatchObject({ code: "SLOT_TOOL_STUCK" });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(500);
    expect(states()).toEqual(["D"]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(folder);
  },
  20_000,
);
