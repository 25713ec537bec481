/** A disk that takes a part of a write only. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

import { wipeDisk } from "../../../src/install/io/target-disk.ts";

const MIB = 1024 ** 2;

it("is no disk that was wiped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "short-write-"));
  try {
    // Room for the first MiB and for half of the last one.
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${MIB + MIB / 2}`, "tmpfs", folder]);
    try {
      const disk = join(folder, "disk");
      writeFileSync(disk, "");
      truncateSync(disk, 4 * MIB);
      await expect(wipeDisk(disk, 4 * MIB)).rejects.toMatchObject({
        code: "INSTALL_DISK_FAILED",
        message: expect.stringContaining("ENOSPC") as unknown,
      });
    } finally {
      execFileSync("umount", [folder]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
