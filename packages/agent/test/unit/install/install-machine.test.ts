import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";

import { installThrough, type InstallOutside } from "../../../src/install/install-machine.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { DISK, OPTIONS, WHOLE_SLOT, WORKING } from "./working-machine.ts";

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
      readInstallation: () => Promise.resolve({ kind: "none" }),
      bootId: "1",
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
