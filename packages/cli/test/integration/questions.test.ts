/** What becomes of the questions of `install` and `reset` where whoever is asked breaks off. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";

import { openInstallGround } from "./install-ground.ts";
import { atTerminal } from "./terminal.ts";

const CTRL_C = { typed: "\u0003" };
const CTRL_D = { typed: "\u0004" };
const SIGTERM = { signal: "SIGTERM" } as const;

const ground = openInstallGround();
const { home, newDisk, args, tree } = ground;
afterEach(() => ground.restart());
afterAll(() => ground.remove());

describe("install", () => {
  const config = join(home, "told.yaml");
  writeFileSync(config, "hostname: m1\n");

  it.each([
    ["Ctrl-C", CTRL_C, 130, "INSTALL_INTERRUPTED"],
    ["SIGTERM", SIGTERM, 130, "INSTALL_INTERRUPTED"],
    ["Ctrl-D", CTRL_D, 2, "INSTALL_NOT_ASKED"],
    ["no", { typed: "n\r" }, 5, "INSTALL_DECLINED"],
  ] as const)("erases nothing at %s, and gives the terminal back", async (what, answer, code, error) => {
    const target = newDisk();
    const asked = await atTerminal(args(target, "--source", tree(what), "--config", config), "Go on? [y/N]", answer);
    expect(asked, asked.shown).toMatchObject({ code, isRestored: true });
    expect(asked.shown).toContain(`(${error})`);
    expect(asked.shown).not.toContain("wiping the disk");
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it("is broken off at the question for its operator", async () => {
    const target = newDisk();
    const asked = await atTerminal(args(target, "--source", tree("operator")), "Registration URL (", CTRL_C);
    expect(asked, asked.shown).toMatchObject({ code: 130, isRestored: true });
    expect(asked.shown).toContain("(INSTALL_INTERRUPTED)");
    expect(asked.shown).not.toContain("Go on?");
  });
});

describe("reset", () => {
  it.each([
    ["Ctrl-C", CTRL_C, 130, "INSTALL_INTERRUPTED", "Start it again with `ros-agent reset`."],
    ["SIGTERM", SIGTERM, 130, "INSTALL_INTERRUPTED", "Start it again with `ros-agent reset`."],
    ["Ctrl-D", CTRL_D, 2, "INSTALL_NOT_ASKED", "Give --yes, or start it on a terminal."],
    ["no", { typed: "n\r" }, 5, "INSTALL_DECLINED", "`ros-agent reset` asks again."],
  ] as const)("asks for nothing at %s, and gives the terminal back", async (_what, answer, code, error, mend) => {
    const machine = mkdtempSync(join(tmpdir(), "reset-"));
    try {
      mkdirSync(join(machine, "proc"));
      writeFileSync(join(machine, "proc/cmdline"), "rancheros.slot=a\n");
      const folders = ["--state-folder", join(machine, "state"), "--run-folder", join(machine, "run")];
      const reset = ["reset", "--no-restart", "--host-root", machine, ...folders];
      const asked = await atTerminal(reset, "Go on? [y/N]", answer);
      expect(asked, asked.shown).toMatchObject({ code, isRestored: true });
      expect(asked.shown).toContain(`(${error})`);
      expect(asked.shown).toContain(mend);
      expect(existsSync(join(machine, "state"))).toBe(false);
      expect(readdirSync(machine)).toEqual(["proc"]);
    } finally {
      rmSync(machine, { recursive: true });
    }
  });
});
