/** When a live system of the network has the firmware start what is installed, and why it stays otherwise. */
import { describe, expect, it } from "vitest";

import { FirmwareError, type AttemptsFile, type EfiVariables } from "../../../src/firmware/index.ts";
import { NO_RULE, type Disk, type DiskRule } from "../../../src/install/disk.ts";
import { InstallError } from "../../../src/install/errors.ts";
import { isFromNetwork } from "../../../src/install/judge-start.ts";
import type { Installation } from "../../../src/install/judge-installation.ts";
import { parseEsp } from "../../../src/install/parse-esp.ts";
import { startThrough, type StartInstalledOptions, type StartOutside } from "../../../src/install/start-installed.ts";
import { SlotError } from "../../../src/slots/index.ts";
import { DISK } from "./working-machine.ts";
import { LOADER_PLACE } from "../firmware/loader-place.ts";

const WHOLE: Installation = {
  kind: "whole",
  reference: "example.com/os:v1",
  bootId: "0",
  after: "reboot",
  reinstall: "2026-11",
};
const NONE: Installation = { kind: "none" };
const UNCLEAR: Installation = { kind: "unclear", why: "its boot loader for bios is missing" };
const OTHER: Disk = { ...DISK, path: "/dev/sdb", serial: "S2", sizeBytes: DISK.sizeBytes * 2 };
const REFUSAL = new InstallError("INSTALL_DISK_INSTALLED", "/dev/sda holds a whole installation", {
  details: { device: "/dev/sda" },
});
const FETCHED = "initrd=initrd boot=live fetch=http://192.0.2.1/boot/t/root.squashfs ip=dhcp";
const BOOT = "00000000-0000-4000-8000-000000000001";
const MOMENT = { bootId: BOOT, nowMs: 120_000, startedAtMs: 60_000 };

/** Firmware that takes and says whatever it is told. */
function firmware(change: Partial<EfiVariables> = {}) {
  const kept = new Map<string, Buffer>();
  const variables: EfiVariables = {
    names: () => Promise.resolve([...kept.keys()]),
    read: (name) => Promise.resolve(kept.get(name)),
    write: async (name, data) => void kept.set(name, data),
    remove: async (name) => void kept.delete(name),
    ...change,
  };
  return { kept, variables };
}

/** Of the partition that is started. */
function attemptsFile(change: Partial<AttemptsFile> = {}) {
  let text: string | undefined;
  const file: AttemptsFile = {
    read: () => Promise.resolve(text),
    write: async (line) => void (text = line),
    remove: async () => void (text = undefined),
    ...change,
  };
  return file;
}

interface Scene {
  /** What each disk holds, first and when it is looked at again. */
  readonly disks: readonly (readonly [disk: Disk, holds: Installation, then?: Installation])[];
  readonly rule: Partial<DiskRule>;
  readonly options: Partial<StartInstalledOptions>;
  readonly outside: Partial<StartOutside>;
}

async function begin({ disks = [[DISK, WHOLE]], rule = {}, options = {}, outside = {} }: Partial<Scene> = {}) {
  const { kept, variables } = firmware();
  const said: string[] = [];
  const warned: string[] = [];
  let looks = 0;
  const result: unknown = await startThrough(
    {
      async listDisks() {
        looks++;
        return disks.map(([disk]) => disk);
      },
      async readInstallation({ path }) {
        const [, first = NONE, then = first] = disks.find(([disk]) => disk.path === path) ?? [];
        return looks === 1 ? first : then;
      },
      variables,
      findLoader: () => Promise.resolve({ place: LOADER_PLACE, file: attemptsFile() }),
      requireUnattended: () => undefined,
      hold: (work) => work(),
      moment: () => MOMENT,
      ...outside,
    },
    {
      settings: { rule: { ...NO_RULE, ...rule }, installed: "start", slotBytes: undefined },
      commandLine: FETCHED,
      systemBytes: 0,
      refusal: REFUSAL,
      announce: async (disk, reference) => void said.push(`${disk} ${reference}`),
      onWarning: ({ code }) => void warned.push(code),
      ...options,
    },
  ).catch((error: unknown) => error);
  const names = [...kept.keys()].map((name) => name.slice(0, name.indexOf("-")));
  return { result, said, warned, names };
}

describe("an installed machine whose firmware tries the network first", () => {
  it("is started from its disk, once that was said", async () => {
    const { result, said, names } = await begin();
    expect(result).toEqual({ disk: "/dev/sda", entry: "Boot0000" });
    expect(said).toEqual(["/dev/sda example.com/os:v1"]);
    expect(names).toEqual(["RancherOSStarts", "Boot0000", "BootNext"]);
  });

  it("is started from the disk that is named, whatever another one holds", async () => {
    const disks = [
      [DISK, UNCLEAR],
      [OTHER, WHOLE],
    ] as const;
    expect((await begin({ disks, rule: { device: "/dev/sdb" } })).result).toMatchObject({ disk: "/dev/sdb" });
  });

  it("is started where another disk is empty, and would not be taken", async () => {
    const disks = [
      [DISK, WHOLE],
      [OTHER, NONE],
    ] as const;
    expect((await begin({ disks })).result).toMatchObject({ disk: "/dev/sda" });
  });

  it("is started also where the system that would be installed has become larger than its disk", async () => {
    const options = { systemBytes: 200 * 1024 ** 3 };
    expect((await begin({ options })).result).toMatchObject({ disk: "/dev/sda" });
    const disks = [
      [DISK, WHOLE],
      [{ ...OTHER, sizeBytes: 10 * OTHER.sizeBytes }, NONE],
    ] as const;
    expect((await begin({ options, disks })).result).toMatchObject({ code: "INSTALL_DISK_INSTALLED" });
  });

  const settings = { rule: NO_RULE, installed: "stay", slotBytes: undefined } as const;
  it.each<[why: string, scene: Partial<Scene>, message: RegExp]>([
    ["nobody wishes it", { options: { settings } }, /whole installation$/],
    [
      "it was started from a medium",
      { options: { commandLine: "boot=live components quiet" } },
      /; it is not started from here either: .* not loaded over the network$/,
    ],
    ["it was started by BIOS", { outside: { variables: undefined } }, /by BIOS/],
    ["the installation is damaged", { disks: [[DISK, UNCLEAR]] }, /\/dev\/sda may hold an installation \(its boot/],
    [
      "it lies on another disk than the one that would be taken",
      {
        disks: [
          [DISK, NONE],
          [OTHER, WHOLE],
        ],
      },
      /\/dev\/sdb holds one, and \/dev\/sda is the disk that would be installed to/,
    ],
    [
      "there is a second one",
      {
        disks: [
          [DISK, WHOLE],
          [OTHER, WHOLE],
        ],
      },
      /\/dev\/sdb holds one/,
    ],
    [
      "another disk gives no answer",
      {
        disks: [
          [DISK, WHOLE],
          [OTHER, UNCLEAR],
        ],
      },
      /\/dev\/sdb may hold/,
    ],
    ["no disk would be taken", { rule: { kind: "nvme" } }, /no disk is the one .*it is no nvme/],
    ["it was erased meanwhile", { disks: [[DISK, WHOLE, NONE]] }, /\/dev\/sda holds none any more/],
    [
      "it has no boot loader for UEFI",
      { outside: { findLoader: () => Promise.resolve(undefined) } },
      /no boot loader for this machine's UEFI/,
    ],
  ])("stays in its live system where %s", async (_why, scene, message) => {
    const { result, names } = await begin(scene);
    expect(result).toMatchObject({ code: "INSTALL_DISK_INSTALLED", details: { device: "/dev/sda" } });
    expect((result as InstallError).message).toMatch(message);
    expect(names).toEqual([]);
  });

  it("stays where the firmware does not take it, with what to do", async () => {
    const full = new FirmwareError("FIRMWARE_UNSAVED", "BootNext cannot be written: the firmware has no room left");
    const { variables, kept } = firmware();
    const write: EfiVariables["write"] = (name, data) =>
      name.startsWith("BootNext") ? Promise.reject(full) : variables.write(name, data);
    const { result } = await begin({ outside: { variables: { ...variables, write } } });
    expect(result).toMatchObject({ code: "INSTALL_DISK_INSTALLED", mend: full.mend, cause: full });
    expect((result as InstallError).message).toMatch(/the firmware cannot be told so: .*no room left$/);
    expect([...kept.keys()].some((name) => name.startsWith("BootNext"))).toBe(false);
  });

  it("stays after three attempts in a row, with what to do", async () => {
    const { variables, kept } = firmware();
    const results: unknown[] = [];
    const said: string[] = [];
    for (const number of [1, 2, 3, 4, 5]) {
      for (const name of kept.keys()) if (name.startsWith("BootNext")) kept.delete(name);
      const startedAtMs = number * 600_000;
      const moment = { bootId: BOOT.replace(/1$/, `${number}`), startedAtMs, nowMs: startedAtMs + 60_000 };
      const begun = await begin({ outside: { variables, moment: () => moment } });
      results.push(begun.result);
      said.push(...begun.said);
    }
    const started = { disk: "/dev/sda", entry: "Boot0000" };
    const stays = {
      code: "INSTALL_DISK_INSTALLED",
      message: expect.stringMatching(/told so 3 times in a row/) as unknown,
      mend: expect.stringMatching(/^Let the firmware try the disk before the network/) as unknown,
    };
    expect(results.slice(0, 3)).toEqual([started, started, started]);
    expect(results[3]).toMatchObject(stays);
    expect(results[4]).toMatchObject(stays);
    // What does not happen is not said.
    expect(said).toHaveLength(3);
    expect([...kept.keys()].some((name) => name.startsWith("BootNext"))).toBe(false);
  });

  it("stays after three attempts in a row also where the firmware loses its variables at a restart", async () => {
    const { variables, kept } = firmware();
    const loader = { place: LOADER_PLACE, file: attemptsFile() };
    const results: unknown[] = [];
    for (const number of [1, 2, 3, 4, 5]) {
      kept.clear();
      const startedAtMs = number * 600_000;
      const moment = { bootId: BOOT.replace(/1$/, `${number}`), startedAtMs, nowMs: startedAtMs + 60_000 };
      const outside = { variables, findLoader: () => Promise.resolve(loader), moment: () => moment };
      results.push((await begin({ outside })).result);
    }
    const stays = { code: "INSTALL_DISK_INSTALLED", message: expect.stringMatching(/told so 3 times/) as unknown };
    expect(results.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => ({ disk: "/dev/sda", entry: "Boot0000" })));
    expect(results[3]).toMatchObject(stays);
    expect(results[4]).toMatchObject(stays);
    expect([...kept.keys()].some((name) => name.startsWith("BootNext"))).toBe(false);
  });

  it("is started also where the disk takes no count, with a warning, and three times in a row by the variable alone", async () => {
    const { variables } = firmware();
    const unsaved = new FirmwareError("FIRMWARE_COUNT_UNSAVED", "Disk full");
    const file = attemptsFile({ read: () => Promise.reject(unsaved), write: () => Promise.reject(unsaved) });
    const begun: Awaited<ReturnType<typeof begin>>[] = [];
    for (const number of [1, 2, 3, 4]) {
      const startedAtMs = number * 600_000;
      const moment = { bootId: BOOT.replace(/1$/, `${number}`), startedAtMs, nowMs: startedAtMs + 60_000 };
      const findLoader = () => Promise.resolve({ place: LOADER_PLACE, file });
      begun.push(await begin({ outside: { variables, findLoader, moment: () => moment } }));
    }
    expect(begun.map(({ warned }) => warned)).toEqual(Array.from({ length: 4 }, () => ["FIRMWARE_COUNT_UNSAVED"]));
    expect(begun.map(({ result }) => result instanceof InstallError)).toEqual([false, false, false, true]);
  });

  it("is broken off also while the count is read", async () => {
    const over = new SlotError("SLOT_INTERRUPTED", "mtype was broken off");
    const loader = { place: LOADER_PLACE, file: attemptsFile({ read: () => Promise.reject(over) }) };
    const { result, names } = await begin({ outside: { findLoader: () => Promise.resolve(loader) } });
    expect(result).toBe(over);
    expect(names).toEqual([]);
  });

  it("is left to whoever installs it at the same time, and to who breaks it off", async () => {
    const busy = new InstallError("INSTALL_BUSY", "this machine is being installed already");
    const held = await begin({ outside: { hold: () => Promise.reject(busy) } });
    expect(held).toMatchObject({ result: busy, names: [] });
    const byHand = new InstallError("INSTALL_BUSY", "somebody is installing this machine by hand");
    const requireUnattended = (): void => {
      throw byHand;
    };
    const attended = await begin({ outside: { requireUnattended } });
    expect(attended).toMatchObject({ result: byHand, names: [], said: [] });
    const over = new InstallError("INSTALL_INTERRUPTED", "broken off");
    const stopped = await begin({ options: { announce: () => Promise.reject(over) } });
    expect(stopped).toMatchObject({ result: over, names: [] });
  });
});

describe("a live system", () => {
  it.each([
    [FETCHED, true],
    ["boot=live fetch=tftp://192.0.2.1/root.squashfs", true],
    ["root=live:https://192.0.2.1/root.squashfs rd.neednet=1", true],
    ["boot=live fetch=/root.squashfs", false],
    ["root=live:CDLABEL=OS", false],
    ["boot=live rancheros.install.config_url=http://192.0.2.1/boot/t/config", false],
    ["boot=live prefetch=http://192.0.2.1/root.squashfs", false],
    ["", false],
  ])("says where it came from: %s", (commandLine, expected) => {
    expect(isFromNetwork(commandLine)).toBe(expected);
  });
});

describe("the partition that UEFI starts from", () => {
  const row = { node: "/dev/nvme0n1p2", start: 4096, size: 614_400, uuid: LOADER_PLACE.partitionId, name: "ROS_ESP" };
  const table = (...partitions: readonly unknown[]): string => JSON.stringify({ partitiontable: { partitions } });

  it("is found by its name", () => {
    const { fileName: _name, ...place } = LOADER_PLACE;
    expect(parseEsp(table({ ...row, name: "ROS_BIOS" }, row), "/dev/nvme0n1")).toEqual(place);
    expect(parseEsp(table({ ...row, node: "/dev/sda2" }), "/dev/sda")).toEqual(place);
  });

  it.each([
    ["not there", table({ ...row, name: "EFI" })],
    ["of another disk", table({ ...row, node: "/dev/sda2" })],
    ["of no number", table({ ...row, node: "/dev/nvme0n1px" })],
    ["nowhere", table({ ...row, start: undefined })],
    ["of no size", table({ ...row, size: -1 })],
    ["without a GUID", table({ ...row, uuid: undefined })],
    ["in no table", "[]"],
    ["in nonsense", "{"],
  ])("is none that is %s", (_what, json) => {
    expect(parseEsp(json, "/dev/nvme0n1")).toBeUndefined();
  });
});
