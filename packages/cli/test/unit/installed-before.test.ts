/** What the live system's service does on a machine that somebody has installed since it was started. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { InstallFlagValues } from "../../src/install-flags.ts";
import { runInstall } from "../../src/install-run.ts";

let home: string;
let flags: InstallFlagValues;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "installed-before-"));
  const none = { device: undefined, config: undefined, source: undefined, registries: undefined, tcti: undefined };
  const more = { "registration-url": undefined, "os-image": undefined, "slot-size": undefined, "allow-http": false };
  const how = { yes: false, ask: false, automatic: true, "dry-run": false, "power-off": false, "no-restart": false };
  flags = { ...none, ...more, ...how, "work-folder": join(home, "work") };
});

afterEach(() => rm(home, { recursive: true, force: true }));

/** @returns what the machine is to do, as the command is told: nothing here asks for it */
async function restartOf(after: string, changes: Partial<InstallFlagValues>): Promise<string | undefined> {
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  await writeFile(join(home, "work.installed"), `${bootId} ${after}\n`);
  const surroundings = { environment: {}, signal: new AbortController().signal };
  const run = { flags: { ...flags, ...changes }, surroundings, remark: () => undefined };
  const { outcome, restart } = await runInstall(run);
  expect(outcome).toBe("installed-before");
  return restart;
}

it.each([
  ["the restart that its process did not come to", "reboot", {}, "reboot"],
  ["the end that its process did not come to", "poweroff", {}, "poweroff"],
  ["nothing, where it was to stay in the live system", "stays", {}, undefined],
  ["nothing, where it is told to stay", "reboot", { "no-restart": true }, undefined],
  ["nothing, where it is only to say what it would do", "reboot", { "dry-run": true }, undefined],
] as const)("is %s", async (_what, after, changes, expected) => {
  expect(await restartOf(after, changes)).toBe(expected);
});
