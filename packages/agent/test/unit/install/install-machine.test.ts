import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";

import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import { installThrough, type InstallOutside } from "../../../src/install/install-machine.ts";
import { treeWriter } from "../../../src/slots/io/tree-writer.ts";
import type { SlotDisk } from "../../../src/slots/write-slot.ts";

/** One that has everything already. */
const WHOLE_SLOT: SlotDisk = {
  look: { head: () => Buffer.from("x") },
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
    const installing = installThrough(outside, {
      rule: NO_RULE,
      source: { reference: "example.com/os", digest: undefined, layers: [] },
      systemBytes: 1024 ** 3,
      slotBytes: undefined,
      kernelArguments: "",
      files: new Map(),
      confirm: () => Promise.resolve(true),
      dryRun: false,
      signal: new AbortController().signal,
      onPlan: () => undefined,
      onProgress: not,
      onWarning: not,
    });
    await expect(installing).rejects.toMatchObject({ code: "INSTALL_DISK_VANISHED" });
  },
);

it.each([undefined, new Error("the disk is full")])(
  "tells of a disk that it cannot let go, whatever came before: %s",
  async (failure) => {
    const warnings: unknown[] = [];
    const done = (): Promise<void> => Promise.resolve();
    const partitions = { bios: "1", esp: "2", oem: "3", a: "4", b: "5", state: "6" };
    const outside: InstallOutside = {
      listDisks: () => Promise.resolve([DISK]),
      clear: done,
      makeBootLoader: () => Promise.resolve({ efi: undefined, bios: undefined }),
      wipe: done,
      divide: () => Promise.resolve({ table: { partitions: [] }, partitions }),
      format: done,
      openSlot: () => WHOLE_SLOT,
      writeOem: done,
      installBoot: () => (failure === undefined ? Promise.resolve() : Promise.reject(failure)),
      release: () => Promise.reject(new Error("umount: target is busy")),
      isThere: () => true,
      arch: "x64",
      newId: randomUUID,
    };
    const installing = installThrough(outside, {
      rule: NO_RULE,
      source: { reference: "example.com/os", digest: undefined, layers: [] },
      systemBytes: 1024 ** 3,
      slotBytes: undefined,
      kernelArguments: "",
      files: new Map(),
      confirm: () => Promise.resolve(true),
      dryRun: false,
      signal: new AbortController().signal,
      onPlan: () => undefined,
      onProgress: () => undefined,
      onWarning: (error) => warnings.push(error),
    });
    await (failure === undefined ? installing : expect(installing).rejects.toBe(failure));
    expect(warnings).toEqual([
      expect.objectContaining({
        code: "INSTALL_DISK_HELD",
        message: "/dev/sda is still held by this system: umount: target is busy",
      }),
    ]);
  },
);
