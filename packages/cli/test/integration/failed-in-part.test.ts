/** What is done in part: with --json one document says what was done and what went wrong, and the exit code is the failure's. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { errorOf, rosAgent, type Outcome } from "./ros-agent.ts";

let machine: string;
beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), "in-part-"));
});
afterEach(() => rm(machine, { recursive: true }));

async function write(path: string, text: string): Promise<string> {
  const whole = join(machine, path);
  await mkdir(join(whole, ".."), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

/** @returns PATH, with a systemctl that restarts nothing */
async function withoutRestart(): Promise<{ readonly PATH: string }> {
  const systemctl = await write("bin/systemctl", '#!/bin/sh\necho "no bus" >&2\nexit 1\n');
  await chmod(systemctl, 0o755);
  return { PATH: `${join(machine, "bin")}:${process.env["PATH"] ?? ""}` };
}

function documentOf({ stdout }: Outcome): unknown {
  return JSON.parse(stdout);
}

it("config apply, where a part cannot be applied", async () => {
  const config = await write("a.yaml", "write_files: [{path: /etc/motd, content: hi}]\ntimezone: Nowhere/Land\n");
  const flags = ["--root", join(machine, "root"), "--run-folder", join(machine, "run"), "--tool", "native"];
  await mkdir(join(machine, "root/etc"), { recursive: true });
  const applied = await rosAgent(["config", "apply", config, ...flags, "--json"]);
  expect(applied.code).toBe(8);
  expect(errorOf(applied)).toMatchObject({ code: "CLOUD_CONFIG_UNAPPLIED", details: { problems: 1 } });
  expect(documentOf(applied)).toMatchObject({ tool: "native", changed: ["/etc/motd"], problems: [expect.anything()] });
  const told = await rosAgent(["config", "apply", config, ...flags]);
  expect(told).toMatchObject({ code: 8, stderr: expect.stringContaining("(CLOUD_CONFIG_UNAPPLIED)") as string });
});

it("config apply --keep-going, where a file is wrong", async () => {
  const bad = await write("bad.yaml", "hostname: [a]\n");
  const good = await write("good.yaml", "write_files: [{path: /etc/motd, content: hi}]\n");
  const flags = ["--root", join(machine, "root"), "--run-folder", join(machine, "run"), "--tool", "native"];
  await mkdir(join(machine, "root/etc"), { recursive: true });
  const applied = await rosAgent(["config", "apply", bad, good, ...flags, "--keep-going", "--json"]);
  expect(applied.code).toBe(2);
  expect(errorOf(applied)).toMatchObject({ code: "CLOUD_CONFIG_INVALID", details: { file: bad } });
  expect(documentOf(applied)).toMatchObject({ changed: ["/etc/motd"], problems: [] });
});

it("reset, where the restart cannot be asked for", async () => {
  await write("proc/cmdline", "rancheros.slot=a\n");
  const words = "# GRUB Environment Block\ngood=a\ntry=\nreset=\n";
  const grubenv = await write("oem/grub/grubenv", words.padEnd(1024, "#"));
  const folders = ["--state-folder", join(machine, "state"), "--run-folder", join(machine, "run")];
  const reset = await rosAgent(
    ["reset", "--yes", "--json", "--host-root", machine, ...folders],
    await withoutRestart(),
  );
  expect(reset.code).toBe(8);
  expect(errorOf(reset)).toMatchObject({ code: "SLOT_NO_RESTART" });
  expect(documentOf(reset)).toMatchObject({ outcome: "asked-for", restart: "reboot", powerOff: false });
  expect(await readFile(grubenv, "utf8")).toContain("reset=1\n");
});

it("install, where the restart cannot be asked for", async () => {
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  await write("work.installed", `${bootId} reboot\n`);
  const install = ["install", "--automatic", "--work-folder", join(machine, "work")];
  const installed = await rosAgent([...install, "--json"], await withoutRestart());
  expect(installed.code).toBe(8);
  expect(errorOf(installed)).toMatchObject({ code: "SLOT_NO_RESTART" });
  expect(documentOf(installed)).toMatchObject({ outcome: "installed-before", restart: "reboot", device: null });
  const told = await rosAgent(install, await withoutRestart());
  expect(told.stdout).toMatch(/^This machine has been installed .* The machine restarts\.\n$/);
  expect(told).toMatchObject({ code: 8, stderr: expect.stringContaining("(SLOT_NO_RESTART)") as string });
});
