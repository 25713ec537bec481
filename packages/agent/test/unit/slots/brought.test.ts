/** What a slot brings for the machine's state, counted before its first program copies it. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { broughtRoom, LASTING_FOLDERS } from "../../../src/slots/io/brought.ts";

const INIT = new URL("../../../../../boot/image/init", import.meta.url);
const MIB = 1024 ** 2;

let folder: string;
const slot = (): string => join(folder, "slot");
const machine = (): string => join(folder, "machine");

function put(path: string, bytes: number): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, Buffer.alloc(bytes, "x"));
}

/** In MiB: folders and ends of blocks are less than half of one. */
async function neededMib(): Promise<number | undefined> {
  const room = await broughtRoom(machine(), "b", slot(), new AbortController().signal);
  return room && Math.round(room.neededBytes / MIB);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "brought-"));
  mkdirSync(join(machine(), "run/rancheros-state/var"), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true }));

it("is of the folders that the first program keeps", () => {
  const [, line = ""] = /^persistent="(.*)"$/m.exec(readFileSync(INIT, "utf8")) ?? [];
  expect(LASTING_FOLDERS.map(([inState, inSlot]) => `${inState}:/${inSlot}`)).toEqual(line.split(" "));
});

it("counts what the machine does not have, whatever lies where a folder should be", async () => {
  put(join(slot(), "var/lib/images/old"), 5 * MIB);
  put(join(slot(), "var/lib/images/new"), 3 * MIB);
  put(join(slot(), "var/lib/moved/new"), 2 * MIB);
  put(join(slot(), "usr/share/not-kept"), 7 * MIB);
  put(join(machine(), "run/rancheros-state/var/lib/images/old"), 1);
  symlinkSync("/nowhere", join(machine(), "run/rancheros-state/var/lib/moved"));
  expect(await neededMib()).toBe(5);
  // What lay beside /var and had no place in it is gone when /opt comes.
  put(join(slot(), "opt/program"), 4 * MIB);
  expect(await neededMib()).toBe(7);
});

it("counts packages' records only where the machine has no /var yet, as the image's own are mounted", async () => {
  put(join(slot(), "var/lib/dpkg/info"), 6 * MIB);
  put(join(slot(), "usr/local/lib/rpm/program"), 2 * MIB);
  expect(await neededMib()).toBe(2);
  rmSync(join(machine(), "run/rancheros-state/var"), { recursive: true });
  expect(await neededMib()).toBe(8);
});

it("counts a file of several names once", async () => {
  put(join(slot(), "opt/one"), 3 * MIB);
  for (const name of ["two", "three"]) linkSync(join(slot(), "opt/one"), join(slot(), `opt/${name}`));
  expect(await neededMib()).toBe(3);
  put(join(machine(), "run/rancheros-state/opt/one"), 1);
  expect(await neededMib()).toBe(3);
});

it("counts folders that the machine lacks once, as they are moved, and those that it has where they lead to something new", async () => {
  const folders = Array.from({ length: 300 }, (_, at) => `var/lib/folders/${at}`);
  for (const one of folders) mkdirSync(join(slot(), one), { recursive: true });
  const bytes = statSync(join(slot(), folders[0] ?? "")).blocks * 512;
  expect(await neededMib()).toBe(Math.round((300 * bytes) / MIB));
  for (const one of folders) mkdirSync(join(machine(), "run/rancheros-state", one), { recursive: true });
  expect(await neededMib()).toBe(0);
  for (const one of folders) symlinkSync("/nowhere", join(slot(), one, "new"));
  // Beside, and what the name may take where the folder is.
  expect(await neededMib()).toBe(Math.round((3 * 300 * bytes) / MIB));
});

it("lets others work meanwhile, and is broken off with them", async () => {
  for (let count = 0; count < 3_000; count += 1) put(join(slot(), `var/lib/many/${count}`), 0);
  const leave = new AbortController();
  const counted = broughtRoom(machine(), "b", slot(), leave.signal);
  setImmediate(() => leave.abort());
  await expect(counted).rejects.toThrow("aborted");
});

it("says nothing of a machine without a state of ours", async () => {
  rmSync(join(machine(), "run"), { recursive: true });
  put(join(slot(), "var/x"), 1);
  expect(await neededMib()).toBeUndefined();
});
