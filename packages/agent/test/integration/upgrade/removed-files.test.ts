/** A power cut right after a file of an upgrade was taken away: the mark of an earlier trial, a plan's cloud config. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { MachineDisk } from "../../../../../test/whole-machine/machine-disk.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";

const MARK = '{"version":1,"slot":"b","bootId":"11111111-1111-4111-8111-111111111111"}\n';
let folder: string;
let disk: MachineDisk;
let root: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trial-mark-"));
  root = join(folder, "root");
  disk = await MachineDisk.create(folder, root);
});
afterAll(async () => {
  await disk.stop();
  rmSync(folder, { recursive: true });
});

it("brings neither of them back", async () => {
  const stateFolder = join(root, "state");
  const config = join(root, "oem/95_upgrade.yaml");
  for (const one of [stateFolder, join(root, "oem")]) mkdirSync(one);
  writeFileSync(join(stateFolder, "trial.json"), MARK);
  writeFileSync(config, "#cloud-config\n");
  await disk.sync();
  const machine = systemSlotsOutside({ hostRoot: root, stateFolder });
  expect(await machine.readTrialMark()).toMatchObject({ slot: "b" });
  await machine.forgetTrialMark();
  await machine.writeCloudConfig("oem/95_upgrade.yaml", undefined);
  await disk.losePower();
  expect(await machine.readTrialMark()).toBeUndefined();
  await machine.forgetTrialMark();
  await expect(machine.writeCloudConfig("oem/95_upgrade.yaml", undefined)).resolves.toBeUndefined();
  expect(() => writeFileSync(config, "", { flag: "wx" })).not.toThrow();
});
