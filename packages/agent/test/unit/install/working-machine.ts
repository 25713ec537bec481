/** What the tests of an installation share: a machine on which all goes well, and nothing happens. */
import { randomUUID } from "node:crypto";

import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import type { InstallOutside } from "../../../src/install/install-machine.ts";
import { treeWriter } from "../../../src/slots/io/tree-writer.ts";
import type { SlotDisk } from "../../../src/slots/write-slot.ts";

/** One that has everything already. */
export const WHOLE_SLOT: SlotDisk = {
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

export const DISK: Disk = {
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
export const WORKING: InstallOutside = {
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
  readInstallation: () => Promise.resolve({ kind: "none" }),
  bootId: "1",
  arch: "x64",
  newId: randomUUID,
};

export const OPTIONS = {
  rule: NO_RULE,
  source: { reference: "example.com/os", digest: undefined, layers: [] },
  systemBytes: 1024 ** 3,
  slotBytes: undefined,
  kernelArguments: "",
  files: new Map<string, string>(),
  confirm: () => Promise.resolve(true),
  dryRun: false,
  isAsked: true,
  reinstall: { kind: "never" },
  after: undefined,
  signal: new AbortController().signal,
  onPlan: () => undefined,
  onProgress: () => undefined,
} as const;
