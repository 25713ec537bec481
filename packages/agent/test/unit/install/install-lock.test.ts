/** Who installs a machine, and who does not, on real files and locks. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { InstallError } from "../../../src/install/index.ts";
import {
  attendInstallation,
  holdInstallation,
  installLocked,
  readInstalled,
} from "../../../src/install/io/install-lock.ts";

let home: string;
let work: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "install-lock-"));
  work = join(home, "work");
  warned = [];
});

afterEach(() => rm(home, { recursive: true, force: true }));

let warned: string[];
const asked = {
  after: undefined,
  isAsked: true,
  onWarning: ({ code }: InstallError) => void warned.push(code),
} as const;
const done = (): Promise<string> => Promise.resolve("installed");

it("lets nobody begin after an installation before its process has ended, which has a restart to ask for", async () => {
  expect(await installLocked(work, asked, done)).toBe("installed");
  await expect(installLocked(work, asked, done)).rejects.toMatchObject({ code: "INSTALL_BUSY" });
});

it("lets others begin after one that failed, of which no mark stays", async () => {
  const failing = installLocked(work, asked, () => Promise.reject(new Error("the disk is gone")));
  await expect(failing).rejects.toThrow("the disk is gone");
  expect(await readInstalled(work)).toBeUndefined();
  expect(await installLocked(work, { ...asked, isAsked: false }, done)).toBe("installed");
});

it.each([["reboot"], ["poweroff"], [undefined]] as const)("remembers that %s follows", async (after) => {
  await installLocked(work, { ...asked, after, isAsked: false }, done);
  expect(await readInstalled(work)).toEqual({ after });
});

it("does not install unasked what was installed in the moment before the lock was free", async () => {
  await installLocked(work, asked, done);
  // As after the end of that process.
  await rm(`${work}.lock`);
  let begun = false;
  const unasked = installLocked(work, { ...asked, isAsked: false }, async () => {
    begun = true;
  });
  await expect(unasked).rejects.toMatchObject({
    code: "INSTALL_BUSY",
    message: "this machine has been installed meanwhile",
  });
  expect(begun).toBe(false);
  expect(await installLocked(work, asked, done)).toBe("installed");
});

it("forgets what was installed before this machine was started", async () => {
  await writeFile(`${work}.installed`, "00000000-0000-0000-0000-000000000000 reboot\n");
  expect(await readInstalled(work)).toBeUndefined();
});

it("says of an installation that went well that it did, also where no mark of it can be written", async () => {
  // As on a full disk: the file cannot take its place.
  await mkdir(`${work}.installed`);
  expect(await installLocked(work, asked, done)).toBe("installed");
  expect(warned).toEqual(["INSTALL_MARK_UNSAVED"]);
  // Until its process has ended, which may have a restart to ask for.
  await expect(installLocked(work, asked, done)).rejects.toMatchObject({ code: "INSTALL_BUSY" });
});

describe("who installs by hand", () => {
  const restarts = (): Promise<string> => Promise.resolve("restarts");
  const BUSY = { code: "INSTALL_BUSY", message: "somebody is installing this machine by hand" };

  it("keeps the machine from its restart until the last one is done, or has failed, and from no installation", async () => {
    const ends: (() => void)[] = [];
    const waiting = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
    const both = [attendInstallation(work, waiting), attendInstallation(work, waiting)];
    await expect(holdInstallation(work, restarts)).rejects.toMatchObject(BUSY);
    ends[0]?.();
    await both[0];
    await expect(holdInstallation(work, restarts)).rejects.toMatchObject(BUSY);
    // Which is what they are at.
    const failing = installLocked(work, asked, () => Promise.reject(new Error("the disk is gone")));
    await expect(failing).rejects.toThrow("the disk is gone");
    ends[1]?.();
    await both[1];
    const failed = attendInstallation(work, () => Promise.reject(new Error("the operator is gone")));
    await expect(failed).rejects.toThrow("the operator is gone");
    expect(await holdInstallation(work, restarts)).toBe("restarts");
  });

  it("does not begin once the machine is about to restart, and does where that came to nothing", async () => {
    const nothing = holdInstallation(work, () => Promise.reject(new Error("the firmware takes nothing")));
    await expect(nothing).rejects.toThrow("the firmware takes nothing");
    expect(await attendInstallation(work, done)).toBe("installed");
    expect(await holdInstallation(work, restarts)).toBe("restarts");
    await expect(attendInstallation(work, done)).rejects.toMatchObject({
      code: "INSTALL_BUSY",
      message: "this machine is about to restart from its disk",
    });
  });
});
