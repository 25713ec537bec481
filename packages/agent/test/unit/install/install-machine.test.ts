import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";

import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import { installThrough, type InstallOutside } from "../../../src/install/install-machine.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { treeWriter } from "../../../src/slots/io/tree-writer.ts";
import type { SlotDisk } from "../../../src/slots/write-slot.ts";

/** One that has everything already. */
const WHOLE_SLOT: SlotDisk = {
  look: { head: () => Buffer.from("x") },
  prepare: () => Promise.resolve(),
  isAsPrepared: () => Promise.resolve(true),
  format: () => Promise.resolve({ writer: treeWriter("/nonexistent"), specials: () => Promise.resolve() }),
  makeFolders: () => undefined,
  sync: () => Promise.resolve(),
  readBack: () => Promise.resolve(),
  stamp: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

const DISK: Disk = {
  path: "/dev/sda",
  sizeBytes: 100 * 1024 ** 3,
  model: "Model X",
  serial: "S1",
  kind: "ssd",
  isRemovable: false,
  isReadOnly: false,
  use: undefined,
  contents: [],
  names: [],
};

const done = (): Promise<void> => Promise.resolve();

/** A machine on which all goes well, and nothing happens. */
const WORKING: InstallOutside = {
  listDisks: () => Promise.resolve([DISK]),
  clear: done,
  makeBootLoader: () => Promise.resolve({ efi: undefined, bios: undefined }),
  wipe: done,
  divide: () =>
    Promise.resolve({
      table: { partitions: [] },
      partitions: { bios: "1", esp: "2", oem: "3", a: "4", b: "5", state: "6" },
    }),
  format: done,
  openSlot: () => WHOLE_SLOT,
  writeOem: done,
  installBoot: done,
  release: done,
  isThere: () => true,
  arch: "x64",
  newId: randomUUID,
};

const OPTIONS = {
  rule: NO_RULE,
  source: { reference: "example.com/os", digest: undefined, layers: [] },
  systemBytes: 1024 ** 3,
  slotBytes: undefined,
  kernelArguments: "",
  files: new Map<string, string>(),
  confirm: () => Promise.resolve(true),
  dryRun: false,
  signal: new AbortController().signal,
  onPlan: () => undefined,
  onProgress: () => undefined,
};

it.each([{ serial: "S2" }, { sizeBytes: 50 * 1024 ** 3 }, { path: "/dev/sdb" }])(
  "does not erase another disk that has come while somebody was asked: %o",
  async (change) => {
    const looks = [[DISK], [{ ...DISK, ...change }]];
    const not = (): never => {
      throw new Error("it was touched");
    };
    const outside: InstallOutside = {
      listDisks: () => Promise.resolve(looks.shift() ?? []),
      clear: () => Promise.resolve(),
      makeBootLoader: not,
      wipe: not,
      divide: not,
      format: not,
      openSlot: not,
      writeOem: not,
      installBoot: not,
      release: not,
      isThere: not,
      arch: "x64",
      newId: randomUUID,
    };
    const installing = installThrough(outside, { ...OPTIONS, onProgress: not, onWarning: not });
    await expect(installing).rejects.toMatchObject({ code: "INSTALL_DISK_VANISHED" });
  },
);

it("says that the disk has gone, whatever failed for it", async () => {
  const cause = new SlotError("SLOT_WRITE_FAILED", "etc/hosts cannot be written (EIO)");
  const outside: InstallOutside = {
    ...WORKING,
    openSlot: () => ({ ...WHOLE_SLOT, sync: () => Promise.reject(cause) }),
    installBoot: () => Promise.reject(new Error("it went on")),
    isThere: () => false,
  };
  const installing = installThrough(outside, { ...OPTIONS, onWarning: () => undefined });
  await expect(installing).rejects.toMatchObject({
    code: "INSTALL_DISK_VANISHED",
    message: "/dev/sda is not there any more: etc/hosts cannot be written (EIO)",
    cause,
  });
});

it.each([undefined, new Error("the disk is full")])(
  "tells of a disk that it cannot let go, whatever came before: %s",
  async (failure) => {
    const warnings: unknown[] = [];
    const outside: InstallOutside = {
      ...WORKING,
      installBoot: () => (failure === undefined ? Promise.resolve() : Promise.reject(failure)),
      release: () => Promise.reject(new Error("umount: target is busy")),
    };
    const installing = installThrough(outside, { ...OPTIONS, onWarning: (error) => warnings.push(error) });
    await (failure === undefined ? installing : expect(installing).rejects.toBe(failure));
    expect(warnings).toEqual([
      expect.objectContaining({
        code: "INSTALL_DISK_HELD",
        message: "/dev/sda is still held by this system: umount: target is busy",
      }),
    ]);
  },
);
