/** What a disk refuses ends as a failure of the disk, with its name: never as a defect of this program. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { makeDisk } from "../../../../../test/disks/index.ts";
import { writeOemFiles } from "../../../src/install/io/oem-files.ts";
import { writeStateFile } from "../../../src/slots/index.ts";
import { clearMounts, forgetCache, makeExt4 } from "../../../src/slots/io/file-systems.ts";
import { treeLook } from "../../../src/slots/io/tree-look.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "disk-refusals-"));
});

afterEach(async () => {
  await clearMounts(join(home, "mounted"));
  rmSync(home, { recursive: true });
});

describe("a full disk", () => {
  it("has no room for a small file: no operating system is too large for its slot", async () => {
    const folder = join(home, "mounted");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]);
    const fill = (): void => writeFileSync(join(folder, "filling"), Buffer.alloc(64 * 1024));
    expect(fill).toThrow("ENOSPC");
    const path = join(folder, "reset.json");
    await expect(writeStateFile(path, "{}\n")).rejects.toMatchObject({
      code: "SLOT_NO_ROOM",
      retry: "backoff",
      message: `there is no room for ${path}`,
    });
  });

  it("has no room for what an installation leaves in /oem", async () => {
    const disk = makeDisk(home, 4 * 1024 ** 2);
    try {
      await makeExt4(disk.device, "ROS_OEM", new AbortController().signal);
      const files = new Map([["99_custom.yaml", "x".repeat(8 * 1024 ** 2)]]);
      const writing = writeOemFiles(disk.device, join(home, "mounted"), files, new Map());
      await expect(writing).rejects.toMatchObject({ code: "SLOT_NO_ROOM" });
    } finally {
      disk.remove();
    }
  });
});

describe("a disk that fails", () => {
  it("does not put down what was written", async () => {
    // It takes writes as disks do, and no fsync.
    await expect(forgetCache("/dev/full")).rejects.toMatchObject({
      code: "SLOT_WRITE_FAILED",
      message: "/dev/full does not put down what was written (EINVAL)",
    });
  });

  it("gives nothing to look at in a slot, which is another thing than that it is not there", () => {
    const look = treeLook(home);
    expect(look.head("vmlinuz", 4)).toBeUndefined();
    expect(() => look.head("x".repeat(300), 4)).toThrow(expect.objectContaining({ code: "SLOT_UNREADABLE" }));
  });
});
