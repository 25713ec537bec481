/** Somebody installs a machine at its console while the live system's service counts down to the start from its disk. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { NO_RULE } from "../../packages/agent/src/install/disk.ts";
import { InstallError } from "../../packages/agent/src/install/errors.ts";
import { holdInstallation, requireUnattended } from "../../packages/agent/src/install/io/install-lock.ts";
import { startThrough, type StartOutside } from "../../packages/agent/src/install/start-installed.ts";
import { LOADER_PLACE } from "../../packages/agent/test/unit/firmware/loader-place.ts";
import { DISK } from "../../packages/agent/test/unit/install/working-machine.ts";
import { errorOf, startRosAgent, type Running } from "../../packages/cli/test/integration/ros-agent.ts";

let home: string;
let told: string[];
let running: Running[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "attended-"));
  told = [];
  running = [];
});

afterEach(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ outcome }) => outcome));
  rmSync(home, { recursive: true });
});

function workFolder(): string {
  return join(home, "work");
}

/** As `i` in the menu does, with an answer for each question; its operator cannot be reached. */
function installByHand(): Running {
  const config = join(home, "config.yaml");
  const registrationUrl = "https://127.0.0.1:1/v1-rancheros/registration/tokentokentoken";
  writeFileSync(config, JSON.stringify({ rancheros: { install: { registrationUrl } } }));
  const more = ["--work-folder", workFolder(), "--no-restart", "--tcti", "device:/dev/none"];
  const begun = startRosAgent(["install", "--yes", "--json", "--device", "/dev/none", "--config", config, ...more]);
  running.push(begun);
  return begun;
}

async function untilItRegisters({ child }: Running): Promise<void> {
  let said = "";
  while (!said.includes("Registering again")) {
    const [text] = (await once(child.stderr ?? child, "data")) as readonly Buffer[];
    said += String(text);
  }
}

/** What the service does, up to the restart. */
function startFromDisk(meanwhile: () => Promise<void>): Promise<unknown> {
  const kept = new Map<string, Buffer>();
  const outside: StartOutside = {
    listDisks: () => Promise.resolve([DISK]),
    readInstallation: () =>
      Promise.resolve({
        kind: "whole",
        reference: "example.com/os:v1",
        bootId: "0",
        after: "reboot",
        reinstall: undefined,
      }),
    variables: {
      names: () => Promise.resolve([...kept.keys()]),
      read: (name) => Promise.resolve(kept.get(name)),
      write: async (name, data) => {
        told.push(name);
        kept.set(name, data);
      },
      remove: async (name) => void kept.delete(name),
    },
    findLoader: () =>
      Promise.resolve({
        place: LOADER_PLACE,
        file: {
          read: () => Promise.resolve(undefined),
          write: () => Promise.resolve(),
          remove: () => Promise.resolve(),
        },
      }),
    requireUnattended: () => requireUnattended(workFolder()),
    hold: (work) => holdInstallation(workFolder(), work),
    moment: () => ({ bootId: "00000000-0000-4000-8000-000000000001", nowMs: 120_000, startedAtMs: 60_000 }),
  };
  return startThrough(outside, {
    settings: { rule: NO_RULE, installed: "start", slotBytes: undefined },
    commandLine: "boot=live fetch=http://192.0.2.1/root.squashfs",
    systemBytes: 0,
    refusal: new InstallError("INSTALL_DISK_INSTALLED", "/dev/sda holds a whole installation"),
    announce: meanwhile,
    onWarning: (error) => expect.unreachable(error.message),
  }).catch((error: unknown) => error);
}

it("does not restart while somebody who began within the countdown is still registered, and does once they are gone", async () => {
  const byHand = installByHand();
  const result = await startFromDisk(() => untilItRegisters(byHand));
  expect(result).toMatchObject({ code: "INSTALL_BUSY" });
  expect(told).toEqual([]);
  // Nor is it announced in the next attempt.
  const announced = startFromDisk(() => Promise.reject(new Error("nobody is told")));
  expect(await announced).toMatchObject({ code: "INSTALL_BUSY" });
  byHand.child.kill("SIGTERM");
  await byHand.outcome;
  expect(await startFromDisk(() => Promise.resolve())).toEqual({ disk: "/dev/sda", entry: "Boot0000" });
});

it("lets nobody begin once the firmware was told so: the machine is about to restart", async () => {
  expect(await startFromDisk(() => Promise.resolve())).toEqual({ disk: "/dev/sda", entry: "Boot0000" });
  const late = installByHand();
  await Promise.race([untilItRegisters(late), late.outcome]);
  late.child.kill("SIGTERM");
  expect(errorOf(await late.outcome)).toMatchObject({
    code: "INSTALL_BUSY",
    message: expect.stringContaining("restart") as unknown,
  });
});
