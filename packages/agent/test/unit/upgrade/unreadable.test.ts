/** What is there and answers with an error of the kernel, as on a disk that fails, is never taken for what is not there. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readRegistered } from "../../../src/doctor/io/registered.ts";
import { readStateFile } from "../../../src/slots/io/state-file.ts";
import { runChecks } from "../../../src/upgrade/io/check-programs.ts";
import { grubSlots } from "../../../src/upgrade/io/grub-slots.ts";
import { machineHost } from "../../../src/upgrade/io/machine-host.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";
import { systemSlots } from "../../../src/upgrade/system-slots.ts";
import { machineSlots, type SlotsOutside } from "../../../src/slots/machine-slots.ts";
import { freshSlotWords } from "../../../src/slots/slot-words.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "unreadable-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The kernel answers ELOOP for it, of all its errors the one that needs no broken disk. */
function broken(path: string): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  symlinkSync(full, full);
  return full;
}

const STATE = "var/lib/rancheros";
const UNREADABLE = { code: "UPGRADE_UNREADABLE", message: expect.stringContaining("ELOOP") as string };

describe("the machine's own files", () => {
  const host = () =>
    machineHost({ hostRoot: root, stateFolder: join(root, STATE), checkTimeoutMs: 1_000, log: () => undefined });

  it("end an upgrade, which would take the cloud config away or let an older system in as if there were none", async () => {
    for (const path of ["/oem/90_operator.yaml", "/usr/lib/rancheros-release"]) {
      expect(await host().readFile(path, 100)).toBeUndefined();
      broken(path);
      await expect(host().readFile(path, 100)).rejects.toMatchObject(UNREADABLE);
    }
    mkdirSync(join(root, "folder"));
    expect(await host().readFile("/folder", 100)).toBeUndefined();
  });

  it("are no empty slot, from before any upgrade", async () => {
    mkdirSync(join(root, "run/initramfs/cos-state/cOS"), { recursive: true });
    const slots = grubSlots(root, () => Promise.resolve("active"));
    await expect(slots.other()).rejects.toMatchObject({ code: "UPGRADE_NO_OTHER_SLOT" });
    broken("run/initramfs/cos-state/cOS/passive.img");
    await expect(slots.other()).rejects.toMatchObject(UNREADABLE);
  });
});

it("a check of the administrator's that cannot be looked at has failed, and one that is not there any more has not", async () => {
  broken("checks.d/10-storage");
  symlinkSync("/nowhere", join(root, "checks.d/20-gone"));
  writeFileSync(join(root, "checks.d/30-notes"), "");
  const options = { timeoutMs: 5_000, signal: new AbortController().signal, log: () => undefined };
  expect(await runChecks(join(root, "checks.d"), options)).toEqual([
    { name: "10-storage", failure: "cannot be looked at (ELOOP)", output: "" },
  ]);
});

describe("what a slot says", () => {
  const SLOT_UNREADABLE = { code: "SLOT_UNREADABLE" };

  function slotsOf(path: string, logged: string[] = []) {
    const read = (): Promise<undefined> => readStateFile(path, 100).then(() => undefined);
    const not = (): never => {
      throw new Error("nothing is written here");
    };
    const outside: SlotsOutside = {
      commandLine: () => "rancheros.slot=a",
      readWords: () =>
        Promise.resolve(freshSlotWords({ good: "a", try: undefined, reset: false, extra: "", unproven: undefined })),
      writeWords: not,
      alone: not,
      stateRoom: not,
      readStamp: read,
      openDisk: not,
      readBootCheck: read,
      arch: "x64",
    };
    const slots = machineSlots(outside);
    const rest = systemSlotsOutside({ hostRoot: root, stateFolder: join(root, STATE) });
    const options = { hostRoot: root, registriesPath: undefined, bytesPerSecond: undefined, slots, ...rest };
    return { slots, port: systemSlots({ ...options, log: (line) => void logged.push(line) }) };
  }

  it("is not that it is empty: a rollback is told which file cannot be read", async () => {
    await expect(slotsOf(join(root, "none")).slots.otherGoodSlot()).rejects.toMatchObject({ code: "SLOT_EMPTY" });
    await expect(slotsOf(broken("stamp")).slots.otherGoodSlot()).rejects.toMatchObject(SLOT_UNREADABLE);
  });

  it("keeps no upgrade from writing the other one, and is told in the log", async () => {
    const logged: string[] = [];
    expect(await slotsOf(broken("stamp"), logged).port.runningDigest()).toBeUndefined();
    expect(logged.join()).toMatch(/slot a .*ELOOP.*SLOT_UNREADABLE/);
  });

  it("of its trial is not that it never came up", async () => {
    expect(await slotsOf(join(root, "none")).port.trialTrace("b")).toBeUndefined();
    broken(`${STATE}/trial.json`);
    expect(await slotsOf(join(root, "none")).port.trialTrace("b")).toMatch(
      /trial of slot b has left cannot be read: .*ELOOP/,
    );
  });
});

it("what the register service has saved is not missing where nobody can look", async () => {
  expect(await readRegistered(root)).toBeUndefined();
  broken("var/lib/rancheros-registration");
  await expect(readRegistered(root)).rejects.toMatchObject({ code: "DOCTOR_DISK_UNREADABLE" });
});
