import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";

import { NO_RULE, type Disk } from "../../../src/install/disk.ts";
import { installThrough, type InstallOutside } from "../../../src/install/install-machine.ts";

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
    });
    await expect(installing).rejects.toMatchObject({ code: "INSTALL_DISK_VANISHED" });
  },
);
