/** A daemon on a machine that its firmware has started as a live system had told it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";

import { operatorOf, startAgent } from "./daemon-on-folder.ts";

const STARTS = "sys/firmware/efi/efivars/RancherOSStarts-959a8fc4-11b0-4855-8050-18661689714d";
const ORDER = "sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const WAITING = { waiting: { reason: "UpToDate", message: "nothing to do" }, nextAskInSeconds: 60 };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** @param files  by their paths below it. @returns the machine's / */
function machineWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "started-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

it("forgets how often it had been told so, and nothing else, also where its journal is broken", async () => {
  const folder = machineWith({ [STARTS]: "\x07\0\0\0count", [ORDER]: "\x07\0\0\0\0\0" });
  const agent = startAgent(operatorOf(WAITING).keeper, "{", { folder });
  await expect.poll(() => existsSync(join(folder, STARTS)), { timeout: 10_000 }).toBe(false);
  expect(existsSync(join(folder, ORDER))).toBe(true);
  await agent.end();
});

it("works on where the firmware does not let it, and says so", async () => {
  const folder = machineWith({ [`${STARTS}/no-file`]: "" });
  const operator = operatorOf(WAITING);
  const agent = startAgent(operator.keeper, undefined, { folder });
  await expect.poll(() => agent.log.join("\n"), { timeout: 10_000 }).toMatch(/RancherOSStarts.*FIRMWARE_UNSAVED/);
  await expect.poll(() => operator.told.length, { timeout: 10_000 }).toBeGreaterThan(0);
  await agent.end();
});
