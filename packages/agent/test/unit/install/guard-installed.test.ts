/** What an installation that nobody asked for erases, and what not. */
import { describe, expect, it } from "vitest";

import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import { installThrough, type InstallOptions, type InstallPlan } from "../../../src/install/install-machine.ts";
import { readInstallRecord } from "../../../src/install/install-record.ts";
import type { Installation } from "../../../src/install/judge-installation.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { DISK, OPTIONS, WORKING } from "./working-machine.ts";

const WHOLE: Installation = {
  kind: "whole",
  reference: "example.com/os:v1",
  bootId: "0",
  after: "reboot",
  reinstall: undefined,
};
const NAMED: Installation = { ...WHOLE, reinstall: "2026-11" };
const UNCLEAR: Installation = { kind: "unclear", why: "debugfs did not end within 30 s" };
const OTHER: Disk = { ...DISK, path: "/dev/sdb", serial: "S2" };
const HOLDS = "/dev/sda holds a whole installation (example.com/os:v1)";

interface Happened {
  readonly wiped: readonly string[];
  readonly failure: unknown;
  readonly record: ReturnType<typeof readInstallRecord>;
  readonly plans: readonly InstallPlan[];
  readonly warnings: readonly string[];
}

async function install(
  disks: readonly (readonly [disk: Disk, holds: Installation])[],
  options: Partial<InstallOptions> = {},
): Promise<Happened> {
  const wiped: string[] = [];
  const plans: InstallPlan[] = [];
  const warnings: string[] = [];
  let record: Happened["record"];
  const outside = {
    ...WORKING,
    listDisks: () => Promise.resolve(disks.map(([disk]) => disk)),
    readInstallation: ({ path }: Disk) =>
      Promise.resolve(disks.find(([disk]) => disk.path === path)?.[1] ?? { kind: "none" as const }),
    makeBootLoader: () =>
      Promise.resolve({ efi: { image: Buffer.from("x"), fileName: "BOOTX64.EFI" }, bios: undefined }),
    wipe: async ({ path }: Disk) => void wiped.push(path),
    writeOem: async (_partitions: unknown, files: ReadonlyMap<string, string>) => {
      record = readInstallRecord(files.get("grub/installation.json") ?? "");
    },
  };
  const unasked = { ...OPTIONS, isAsked: false, onWarning: ({ code }: { code: string }) => void warnings.push(code) };
  const failure: unknown = await installThrough(outside, {
    ...unasked,
    onPlan: (plan) => plans.push(plan),
    ...options,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { wiped, failure, record, plans, warnings };
}

describe("an installation that nobody asked for", () => {
  it("takes a disk that holds none, and leaves on it what it was", async () => {
    const { wiped, failure, record } = await install([[DISK, { kind: "none" }]], { after: "poweroff" });
    expect({ wiped, failure }).toEqual({ wiped: ["/dev/sda"], failure: undefined });
    expect(record).toEqual({ version: 1, bootId: "1", after: "poweroff", reinstall: undefined, loaders: ["efi"] });
  });

  it.each([
    ["one that is whole", WHOLE, `${HOLDS}, and nothing says that it may be erased`],
    ["what may be one", UNCLEAR, "/dev/sda may hold an installation: debugfs did not end within 30 s"],
  ])("does not erase %s, and says nothing of erasing", async (_what, holds, message) => {
    const { wiped, failure, plans } = await install([[DISK, holds]]);
    expect(failure).toMatchObject({ code: "INSTALL_DISK_INSTALLED", message, details: { device: "/dev/sda" } });
    expect({ wiped, plans }).toEqual({ wiped: [], plans: [] });
  });

  it("erases it where the settings say so, always or under a name that the disk does not bear", async () => {
    for (const [holds, reinstall] of [
      [WHOLE, { kind: "always" }],
      [UNCLEAR, { kind: "always" }],
      [WHOLE, { kind: "once", name: "2026-11" }],
      [NAMED, { kind: "once", name: "2026-12" }],
    ] as const) {
      const { wiped, failure, record } = await install([[DISK, holds]], { reinstall });
      expect({ wiped, failure }).toEqual({ wiped: ["/dev/sda"], failure: undefined });
      expect(record?.reinstall).toBe(reinstall.kind === "once" ? reinstall.name : undefined);
    }
  });

  it.each([
    [NAMED, `${HOLDS}, and it was made under the name of reinstall, 2026-11, already`],
    [UNCLEAR, "/dev/sda may hold an installation: debugfs did not end within 30 s"],
  ])("does not erase under a name what bears it, or cannot be read: %o", async (holds, message) => {
    const { wiped, failure } = await install([[DISK, holds]], { reinstall: { kind: "once", name: "2026-11" } });
    expect(failure).toMatchObject({ code: "INSTALL_DISK_INSTALLED", message });
    expect(wiped).toEqual([]);
  });

  it.each([
    ["is in use", { use: "/dev/sda1 is mounted at /mnt" }],
    ["is removable", { isRemovable: true }],
    ["is too small", { sizeBytes: 1024 ** 3 }],
  ])("takes no other disk in the place of an installed one that %s", async (_what, change) => {
    const { wiped, failure } = await install([
      [{ ...DISK, ...change }, WHOLE],
      [OTHER, { kind: "none" }],
    ]);
    expect(failure).toMatchObject({ code: "INSTALL_DISK_INSTALLED", details: { device: "/dev/sda" } });
    expect(wiped).toEqual([]);
  });

  it("names the installation where another disk cannot be read", async () => {
    const { failure } = await install([
      [OTHER, UNCLEAR],
      [DISK, WHOLE],
    ]);
    expect(failure).toMatchObject({ details: { device: "/dev/sda" } });
  });

  it("takes the disk that is named, whatever another one holds, and files of the live system are no disks of it", async () => {
    const rule = { ...NO_RULE, device: OTHER.path };
    const named = await install(
      [
        [DISK, WHOLE],
        [OTHER, { kind: "none" }],
      ],
      { rule },
    );
    expect(named.wiped).toEqual(["/dev/sdb"]);
    const beside = await install([
      [{ ...DISK, path: "/dev/loop0", kind: "loop" }, WHOLE],
      [OTHER, { kind: "none" }],
    ]);
    expect(beside.wiped).toEqual(["/dev/sdb"]);
  });

  it("does not erase what has come since it looked first", async () => {
    const looks: Installation[] = [{ kind: "none" }, { kind: "none" }];
    const outside = {
      ...WORKING,
      readInstallation: () => Promise.resolve(looks.shift() ?? WHOLE),
      wipe: () => expect.unreachable("it was touched"),
    };
    const installing = installThrough(outside, { ...OPTIONS, isAsked: false, onWarning: () => undefined });
    await expect(installing).rejects.toMatchObject({ code: "INSTALL_DISK_INSTALLED" });
  });

  it("shows what it would do, and that it would be refused", async () => {
    const { wiped, failure, plans, warnings } = await install([[DISK, WHOLE]], { dryRun: true });
    expect({ wiped, failure, warnings }).toEqual({
      wiped: [],
      failure: undefined,
      warnings: ["INSTALL_DISK_INSTALLED"],
    });
    expect(plans).toMatchObject([{ choice: { disk: { path: "/dev/sda" } }, installed: WHOLE }]);
  });

  it("does not begin where it has nothing to look with", async () => {
    const missing = new SlotError("SLOT_TOOL_MISSING", "debugfs (Debian: e2fsprogs) cannot be started");
    const outside = {
      ...WORKING,
      readInstallation: () => Promise.reject(missing),
      wipe: () => expect.unreachable("it was touched"),
    };
    const installing = installThrough(outside, { ...OPTIONS, isAsked: false, onWarning: () => undefined });
    await expect(installing).rejects.toBe(missing);
  });
});

describe("an installation that somebody asked for", () => {
  it.each([WHOLE, NAMED, UNCLEAR])("erases what he was shown: %o", async (holds) => {
    const { wiped, failure, plans } = await install([[DISK, holds]], { isAsked: true });
    expect({ wiped, failure }).toEqual({ wiped: ["/dev/sda"], failure: undefined });
    expect(plans).toMatchObject([{ installed: holds }]);
  });

  it("goes on where nothing is there to look with, and not where it was broken off", async () => {
    const failing = async (error: SlotError): Promise<InstallPlan> => {
      const readInstallation = async (): Promise<Installation> => {
        throw error;
      };
      return installThrough({ ...WORKING, readInstallation }, { ...OPTIONS, onWarning: () => undefined });
    };
    const plan = await failing(new SlotError("SLOT_TOOL_MISSING", "mdir cannot be started"));
    expect(plan.installed).toEqual({ kind: "unclear", why: "mdir cannot be started" });
    const broken = new SlotError("SLOT_INTERRUPTED", "debugfs was broken off");
    await expect(failing(broken)).rejects.toBe(broken);
  });

  it("leaves the name on the disk as well", async () => {
    const reinstall = { kind: "once", name: "2026-11" } as const;
    const { record } = await install([[DISK, NAMED]], { isAsked: true, reinstall });
    expect(record?.reinstall).toBe("2026-11");
  });
});
