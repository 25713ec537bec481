/** The boot check as the count of a live system's attempts has it: it runs also where the agent's own service does not. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { errorOf, rosAgent, type Outcome } from "./ros-agent.ts";

const STARTS = "sys/firmware/efi/efivars/RancherOSStarts-959a8fc4-11b0-4855-8050-18661689714d";

let machine: string;
beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), "boot-check-"));
});
afterEach(() => rm(machine, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(machine, path)), { recursive: true });
  await writeFile(join(machine, path), text);
}

async function started(commandLine: string): Promise<void> {
  await write("proc/cmdline", commandLine);
  await write("oem/grub/grubenv", "# GRUB Environment Block\ngood=a\ntry=\nreset=\n".padEnd(1024, "#"));
}

function bootCheck(): Promise<Outcome> {
  const folders = ["--state-folder", join(machine, "state"), "--run-folder", join(machine, "run")];
  return rosAgent(["boot-check", "--json", "--no-restart", "--host-root", machine, "--patience", "1ms", ...folders]);
}

it("takes the count of attempts back in a slot that is good", async () => {
  await started("rancheros.slot=a\n");
  await write(STARTS, "\x07\0\0\0count");
  const outcome = await bootCheck();
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(JSON.parse(outcome.stdout)).toEqual({ verdict: "already-good", slot: "a" });
  expect(existsSync(join(machine, STARTS))).toBe(false);
});

it("leaves it where the slot on trial is not well, or the machine was started from none", async () => {
  await started("rancheros.slot=b rancheros.trial=1\n");
  await write(STARTS, "\x07\0\0\0count");
  expect(errorOf(await bootCheck())).toMatchObject({ code: "SLOT_BOOT_CHECK_FAILED" });
  expect(existsSync(join(machine, STARTS))).toBe(true);
  await started("boot=live\n");
  expect(JSON.parse((await bootCheck()).stdout)).toMatchObject({ verdict: "no-slots" });
  expect(existsSync(join(machine, STARTS))).toBe(true);
});

it("finds the slot good also where the firmware does not let it go, and says so", async () => {
  await started("rancheros.slot=a\n");
  await write(`${STARTS}/no-file`, "");
  const outcome = await bootCheck();
  expect(JSON.parse(outcome.stdout)).toEqual({ verdict: "already-good", slot: "a" });
  expect(outcome.code).toBe(0);
  expect(outcome.stderr).toMatch(/RancherOSStarts.*FIRMWARE_UNSAVED/);
});
