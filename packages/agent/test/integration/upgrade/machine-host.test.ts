/** What the machine is asked: programs in place of systemd's say what those would. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runChecks } from "../../../src/upgrade/io/check-programs.ts";
import { readShutdown } from "../../../src/upgrade/io/read-shutdown.ts";

const PATH = process.env["PATH"];
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "host-"));
});
afterEach(() => {
  process.env["PATH"] = PATH;
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

describe("a shutdown", () => {
  it.each([
    ["stopping", "", "under-way"],
    ["running", "PreparingForShutdown=no", "none"],
    ["degraded", "PreparingForShutdown=no", "none"],
    ["running", "PreparingForShutdown=yes", "under-way"],
    ["running", "", "unknown"],
    ["offline", "PreparingForShutdown=no", "unknown"],
  ])("where systemd says %s and logind says %j is %s", async (systemd, logind, expected) => {
    program("systemctl", `echo ${systemd}; exit 1`);
    program("loginctl", `[ "$*" = "show-session --property=PreparingForShutdown" ] && echo ${logind}`);
    process.env["PATH"] = `${folder}:/usr/bin:/bin`;
    expect(await readShutdown("/")).toBe(expected);
  });

  it("of a machine without systemd shows by the file that keeps logins out", async () => {
    mkdirSync(path.join(folder, "run"));
    expect(await readShutdown(folder)).toBe("unknown");
    writeFileSync(path.join(folder, "run/nologin"), "");
    expect(await readShutdown(folder)).toBe("under-way");
  });
});

describe("checks", () => {
  const options = { timeoutMs: 5_000, signal: new AbortController().signal, log: () => undefined };

  it("fail where they are executable and cannot be executed, as on a file system that is mounted noexec", async () => {
    const mounted = path.join(folder, "mounted");
    mkdirSync(mounted);
    execFileSync("mount", ["-t", "tmpfs", "-o", "noexec", "tmpfs", mounted]);
    try {
      program("mounted/10-good", "exit 0");
      writeFileSync(path.join(mounted, "20-off"), "#!/bin/sh\n", { mode: 0o644 });
      expect(await runChecks(mounted, options)).toEqual([
        {
          name: "10-good",
          failure: "cannot be executed: its file system is mounted noexec, or this user may not",
          output: "",
        },
      ]);
    } finally {
      execFileSync("umount", [mounted]);
    }
  });

  it("run one after the other, and tell what failed with its last words", async () => {
    program("20-bad", "echo the disk is gone; exit 3");
    program("10-good", "exit 0");
    writeFileSync(path.join(folder, "README"), "no program");
    const results = await runChecks(folder, options);
    expect(results.map(({ name, failure }) => [name, failure !== undefined])).toEqual([
      ["10-good", false],
      ["20-bad", true],
    ]);
    expect(results[1]?.output).toContain("the disk is gone");
  });

  it("are none where their folder is missing, and have failed where it cannot be read", async () => {
    expect(await runChecks(path.join(folder, "none"), options)).toEqual([]);
    program("checks.d", "exit 0");
    expect(await runChecks(path.join(folder, "checks.d"), options)).toEqual([
      { name: "checks.d", failure: "cannot be read (ENOTDIR)", output: "" },
    ]);
  });
});
