/** Who installs a machine, and who does not, on real files and locks. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { InstallError } from "../../../src/install/index.ts";
import { installLocked, readInstalled } from "../../../src/install/io/install-lock.ts";

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
