/** What a slot brings for the machine's state, counted before its first program copies it. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { broughtBytes, LASTING_FOLDERS } from "../../../src/slots/io/brought.ts";

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
function neededMib(): number | undefined {
  const room = broughtBytes(machine(), slot());
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

it("counts what the machine does not have, whatever lies where a folder should be", () => {
  put(join(slot(), "var/lib/images/old"), 5 * MIB);
  put(join(slot(), "var/lib/images/new"), 3 * MIB);
  put(join(slot(), "var/lib/moved/new"), 2 * MIB);
  put(join(slot(), "usr/share/not-kept"), 7 * MIB);
  put(join(machine(), "run/rancheros-state/var/lib/images/old"), 1);
  symlinkSync("/nowhere", join(machine(), "run/rancheros-state/var/lib/moved"));
  expect(neededMib()).toBe(5);
  put(join(slot(), "opt/program"), 4 * MIB);
  expect(neededMib()).toBe(9);
});

it("counts packages' records only where the machine has no /var yet, as the image's own are mounted", () => {
  put(join(slot(), "var/lib/dpkg/info"), 6 * MIB);
  put(join(slot(), "usr/local/lib/rpm/program"), 2 * MIB);
  expect(neededMib()).toBe(2);
  rmSync(join(machine(), "run/rancheros-state/var"), { recursive: true });
  expect(neededMib()).toBe(8);
});

it("counts a file of several names once", () => {
  put(join(slot(), "opt/one"), 3 * MIB);
  for (const name of ["two", "three"]) linkSync(join(slot(), "opt/one"), join(slot(), `opt/${name}`));
  expect(neededMib()).toBe(3);
  put(join(machine(), "run/rancheros-state/opt/one"), 1);
  expect(neededMib()).toBe(3);
});

it("says nothing of a machine without a state of ours", () => {
  rmSync(join(machine(), "run"), { recursive: true });
  put(join(slot(), "var/x"), 1);
  expect(broughtBytes(machine(), slot())).toBeUndefined();
});
