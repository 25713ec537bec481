/** What stands on the consoles of a live system: put there by a generator, and doing nothing that nobody asked for. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const LIVE = path.resolve(import.meta.dirname, "../../../boot/image/live");
const DEADLINE_MS = 60_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "live-console-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the generator", () => {
  function generated(name: string, commandLine: string): (getty: string) => string | undefined {
    const target = path.join(folder, name);
    const { status, stderr } = spawnSync("sh", [path.join(LIVE, "live-console-generator"), target, target, target], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "", SYSTEMD_PROC_CMDLINE: commandLine },
      timeout: DEADLINE_MS,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return (getty) => {
      const file = path.join(target, `${getty}@.service.d/50-live-console.conf`);
      return existsSync(file) ? readFileSync(file, "utf8") : undefined;
    };
  }

  it("has each kind of console of a live system show the menu in place of a login", () => {
    const dropIn = generated("live", "quiet boot=live console=ttyS0,115200");
    for (const getty of ["getty", "serial-getty"]) {
      expect(dropIn(getty)).toMatch(
        /^\[Service\]\nExecStart=\nExecStart=-\/sbin\/agetty .*--skip-login --login-program \/usr\/lib\/rancheros\/live-console .*- \$TERM\n$/,
      );
    }
    expect(dropIn("serial-getty")).toContain(" --keep-baud 115200,");
  });

  it.each(["root=PARTUUID=1 rancheros.slot=a", "root=/dev/sda1 noboot=live", ""])(
    "leaves the logins of what is no live system as they are: %s",
    (commandLine) => {
      const dropIn = generated("installed", commandLine);
      expect([dropIn("getty"), dropIn("serial-getty")]).toEqual([undefined, undefined]);
    },
  );
});

describe("the menu", () => {
  /** @returns  the programs that were started, with their arguments, and what stood on the console */
  function shown(
    typed: string,
    commandLine = "quiet boot=live",
  ): { readonly calls: readonly string[]; readonly screen: string } {
    const trace = path.join(folder, "trace");
    writeFileSync(trace, "");
    for (const program of ["ros-agent", "systemctl", "sleep"]) {
      writeFileSync(path.join(folder, program), `#!/bin/sh\necho "${program} $*" >>${trace}\n`);
      chmodSync(path.join(folder, program), 0o755);
    }
    // The script looks for programs where a system has them.
    const script = path.join(folder, "live-console");
    const text = readFileSync(path.join(LIVE, "live-console"), "utf8");
    const cmdline = path.join(folder, "cmdline");
    writeFileSync(cmdline, `${commandLine}\n`);
    writeFileSync(script, text.replace(/^PATH=/m, `PATH=${folder}:`).replace("</proc/cmdline", `<${cmdline}`));
    const { status, stdout, stderr } = spawnSync("sh", [script], {
      input: typed,
      encoding: "utf8",
      timeout: DEADLINE_MS,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return { calls: readFileSync(trace, "utf8").split("\n").slice(0, -1), screen: stdout };
  }
  const started = (typed: string): readonly string[] => shown(typed).calls;

  it.each([
    ["boot=live rancheros.install.automatic=true quiet", true],
    ["rancheros.install.automatic", true],
    ["boot=live rancheros.install.automatic=false", false],
    ["boot=live not-rancheros.install.automatic=true", false],
    ["boot=live * $(touch /tmp/x)", false],
    ["", false],
  ])("says that nothing need be pressed where the machine installs itself: %s", (commandLine, isAlone) => {
    const { calls, screen } = shown("", commandLine);
    expect(calls).toEqual([]);
    expect(screen.includes("nothing need be pressed")).toBe(isAlone);
    expect(screen).toMatch(/nothing of it is on a disk yet.*\n\n[^]* {4}i {2}install this machine/);
  });

  it("does nothing where nobody is there, nor for what it does not know", () => {
    expect(started("")).toEqual([]);
    expect(started("\n\nroot\ninstall\n")).toEqual([]);
  });

  it("installs, shows the disks, and restarts, each when it is asked to", () => {
    expect(started("d\ni\nr\n")).toEqual([
      "ros-agent install --dry-run",
      "ros-agent install --ask",
      "systemctl reboot",
      "sleep 60",
    ]);
  });
});
