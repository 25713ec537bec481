/** run, status, upgrade, rollback and abort as a person calls them, on a machine that is a folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";

import { agentProgram } from "../../../../test/machine/agent-program.ts";
import { useCommandedMachine } from "./commanded-machine.ts";
import { errorOf } from "./ros-agent.ts";

const { folder, flags, write, call, start, startDaemon } = useCommandedMachine();
let machine: string;
beforeEach(() => {
  machine = folder();
});

const REFERENCE = `registry.invalid/os@sha256:${"a".repeat(64)}`;

/** As the boot loader finds them; a missing file has none. */
const GRUB_WORDS = "grubenv-words";

/** A machine of cOS' kind, whose boot loader's tool writes down what it is told to change, and knows one word. */
function makeSlots(): Readonly<Record<string, string>> {
  write("proc/cmdline", "root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img\n");
  write("run/initramfs/cos-state/cOS/passive.img", "");
  write("run/initramfs/cos-state/grub2/grub.cfg", 'menuentry "fallback" --id fallback {\n');
  const words = join(machine, GRUB_WORDS);
  write(
    "bin/grub2-editenv",
    `#!/bin/sh
case "$2" in
  list) [ ! -e ${words} ] || cat ${words}; exit 0 ;;
  set) echo "$3" > ${words} ;;
  unset) rm -f ${words} ;;
esac
echo "$@" > ${machine}/grubenv-call
`,
  );
  chmodSync(join(machine, "bin/grub2-editenv"), 0o755);
  return { PATH: `${machine}/bin:${process.env["PATH"] ?? ""}` };
}

describe("status", () => {
  it("tells without an agent what the journal says, and with one that it runs", async () => {
    const without = await call("status");
    expect(without).toMatchObject({ code: 0, stderr: "" });
    expect(without.stdout).toMatch(/^Phase {6}Idle$/m);
    expect(without.stdout).toMatch(/^Agent {6}does not run/m);
    const agent = await startDaemon();
    const state: unknown = JSON.parse((await call("status", ["--json"])).stdout);
    expect(state).toMatchObject({ agentPid: agent.child.pid, phase: "Idle", isUnderWay: false, history: [] });
  });

  it("fails with what is wrong where the journal is broken and no agent has moved it aside", async () => {
    write("var/lib/rancheros/upgrade.json", "{");
    expect(errorOf(await call("status", ["--json"]))).toMatchObject({ code: "UPGRADE_JOURNAL_BROKEN" });
  });
});

describe("run", () => {
  it("ends with exit code 0 at SIGTERM, and lets nobody else run beside it", async () => {
    const agent = await startDaemon();
    const second = await call("run", ["--without-operator"]);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain("UPGRADE_AGENT_RUNNING");
    agent.child.kill("SIGTERM");
    expect((await agent.outcome).code).toBe(0);
    expect(existsSync(join(machine, "run/rancheros/agent.sock"))).toBe(false);
  });

  it("wants to know whom to ask", async () => {
    expect((await call("run")).code).toBe(2);
  });
});

describe("upgrade", () => {
  it("with --dry-run tells what would be done, and does nothing", async () => {
    const outcome = await call("upgrade", [REFERENCE, "--dry-run", "--json", "--drain-timeout", "5m"]);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      reference: REFERENCE,
      dryRun: true,
      cordon: true,
      drain: { timeout: "300s", ignoreDaemonSets: true },
    });
    expect(existsSync(join(machine, "var/lib/rancheros/upgrade.json"))).toBe(false);
  });

  it("does not take a file of registries that is not there for one without any", async () => {
    const missing = join(machine, "missing.yaml");
    const outcome = await call("upgrade", ["127.0.0.1:1/os:v1", "--dry-run", "--json", "--registries", missing]);
    expect(errorOf(outcome)).toMatchObject({
      code: "CLI_FILE_UNREADABLE",
      message: `--registries: there is no file ${missing}`,
    });
    expect(outcome.code).toBe(8);
  });

  it("fails where there is no container runtime, says so, and can be broken off meanwhile", async () => {
    await startDaemon();
    const handed = await call("upgrade", [REFERENCE, "--no-cordon", "--no-wait"]);
    expect(handed).toMatchObject({ code: 0 });
    expect((await call("upgrade", [REFERENCE, "--no-cordon", "--no-wait", "--force"])).code).toBe(5);
    const aborted = await call("abort", ["--json"]);
    expect(JSON.parse(aborted.stdout)).toEqual({ phase: "Staging", dryRun: false });
    let state: { isUnderWay: boolean; reason?: { code: string } };
    do state = JSON.parse((await call("status", ["--json"])).stdout) as typeof state;
    while (state.isUnderWay);
    expect(state.reason?.code).toBe("UPGRADE_ABORTED");
  });

  it("is not watched any more after Ctrl-C, which is no defect, and goes on in the agent", async () => {
    await startDaemon();
    const watching = start("upgrade", [REFERENCE, "--no-cordon", "--json"]);
    let state: { isUnderWay: boolean };
    do state = JSON.parse((await call("status", ["--json"])).stdout) as typeof state;
    while (!state.isUnderWay);
    await new Promise((resolve) => setTimeout(resolve, 500));
    watching.child.kill("SIGINT");
    const outcome = await watching.outcome;
    expect([outcome.code, errorOf(outcome)]).toEqual([130, expect.objectContaining({ code: "UPGRADE_INTERRUPTED" })]);
    expect(JSON.parse((await call("status", ["--json"])).stdout)).toMatchObject({ isUnderWay: true });
  });

  it("takes no digest of which the journal could not tell again, with an agent as without", async () => {
    const image = `registry.invalid/os@sha512:${"a".repeat(128)}`;
    for (const isRunning of [false, true]) {
      if (isRunning) await startDaemon();
      const refused = await call("upgrade", [image, "--no-cordon", "--timeout=3s", "--json"]);
      expect(errorOf(refused)).toMatchObject({ code: "IMAGE_REFERENCE_INVALID" });
      expect(existsSync(join(machine, "var/lib/rancheros/upgrade.json"))).toBe(false);
    }
  });

  it("ends with the problem's exit code where it is done without an agent", async () => {
    const outcome = await call("upgrade", [REFERENCE, "--no-cordon", "--timeout", "2s"]);
    expect(outcome.code).toBe(6);
    expect(outcome.stderr).toContain("UPGRADE_TIMED_OUT");
    expect(outcome.stderr).toContain("no container runtime was found");
    expect(JSON.parse(readFileSync(join(machine, "var/lib/rancheros/upgrade.json"), "utf8"))).toMatchObject({
      history: [{ phase: "Failed", reason: { code: "UPGRADE_TIMED_OUT" } }],
    });
  });
});

describe("abort", () => {
  it.each([[[]], [["--dry-run"]]])("%j refuses where nothing is under way", async (args) => {
    const outcome = await call("abort", [...args, "--json"]);
    expect(outcome.code).toBe(5);
    expect(errorOf(outcome)).toMatchObject({ code: "UPGRADE_NOT_UNDER_WAY" });
  });
});

describe("rollback", () => {
  it("refuses on a machine without slots", async () => {
    write("proc/cmdline", "root=/dev/sda1\n");
    const outcome = await call("rollback", ["--json"]);
    expect(errorOf(outcome)).toMatchObject({ code: "UPGRADE_NO_OTHER_SLOT" });
  });

  it("has the boot loader start the other slot once, with an agent as without", async () => {
    const environment = makeSlots();
    const dry = await call("rollback", ["--dry-run"], environment);
    expect(dry).toMatchObject({ code: 0, stdout: "Would start fallback at the next restart.\n" });
    expect(existsSync(join(machine, "grubenv-call"))).toBe(false);
    expect(await call("rollback", [], environment)).toMatchObject({ code: 0 });
    const told = (): string => readFileSync(join(machine, "grubenv-call"), "utf8");
    expect(told()).toBe(`${machine}/oem/grubenv set next_entry=fallback\n`);
    rmSync(join(machine, "grubenv-call"));
    await startDaemon({ environment });
    expect(JSON.parse((await call("rollback", ["--json"])).stdout)).toEqual({ entry: "fallback", dryRun: false });
    expect(told()).toContain("next_entry=fallback");
  });

  it.each([["with"], ["without"]])(
    "%s an agent keeps an upgrade by hand waiting, until it is called off",
    async (how) => {
      const environment = makeSlots();
      const told = (): string => readFileSync(join(machine, "grubenv-call"), "utf8");
      if (how === "with") await startDaemon({ environment });
      expect(errorOf(await call("rollback", ["--cancel", "--json"], environment))).toMatchObject({
        code: "UPGRADE_ROLLBACK_NOT_ASKED",
      });
      expect(await call("rollback", [], environment)).toMatchObject({ code: 0 });
      const upgrade = ["upgrade", [REFERENCE, "--no-cordon", "--no-wait"], environment] as const;
      const refused = await call(...upgrade);
      expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining("UPGRADE_ROLLBACK_WAITS") as string });
      expect(refused.stderr).toContain("ros-agent rollback --cancel");
      const dry = await call("rollback", ["--cancel", "--dry-run"], environment);
      expect(dry).toMatchObject({ code: 0, stdout: "Would not start fallback any more.\n" });
      expect(told()).toContain("set next_entry=fallback");
      const cancelled = await call("rollback", ["--cancel", "--json"], environment);
      expect(JSON.parse(cancelled.stdout)).toEqual({ entry: "fallback", dryRun: false });
      expect(told()).toBe(`${machine}/oem/grubenv unset next_entry\n`);
      if (how === "with") expect(await call(...upgrade)).toMatchObject({ code: 0 });
    },
  );
});

it("rollback --cancel leaves alone what somebody else has the boot loader start meanwhile", async () => {
  const environment = makeSlots();
  expect(await call("rollback", [], environment)).toMatchObject({ code: 0 });
  write(GRUB_WORDS, "next_entry=recovery\n");
  expect(await call("rollback", ["--cancel"], environment)).toMatchObject({ code: 0 });
  expect(readFileSync(join(machine, GRUB_WORDS), "utf8")).toBe("next_entry=recovery\n");
  expect(errorOf(await call("rollback", ["--cancel", "--json"], environment))).toMatchObject({
    code: "UPGRADE_ROLLBACK_NOT_ASKED",
  });
});

describe("status --watch", () => {
  it.each([[[]], [["--json"]]])(
    "%j ends when nobody reads it any more",
    async (more) => {
      const child = spawn(process.execPath, [agentProgram(), "status", "--watch", ...more, ...flags()], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child.stdout.destroy();
      try {
        await once(child, "close");
        expect([child.exitCode, child.signalCode]).toEqual([0, null]);
      } finally {
        child.kill("SIGKILL");
      }
    },
    20_000,
  );
});
