/** What a disk says of an installation, and what is believed of it. */
import { describe, expect, it } from "vitest";

import { readInstallRecord, writeInstallRecord, type InstallRecord } from "../../../src/install/install-record.ts";
import {
  installationParts,
  isStartable,
  shownReference,
  startingSlots,
} from "../../../src/install/judge-installation.ts";
import { writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";

const RECORD: InstallRecord = {
  version: 1,
  bootId: "2f9b7e5c-0000-4000-8000-000000000001",
  after: undefined,
  reinstall: undefined,
  loaders: ["efi", "bios"],
};

describe("the record of an installation", () => {
  it.each([
    RECORD,
    { ...RECORD, after: "reboot" },
    { ...RECORD, after: "poweroff", reinstall: "2026-11", loaders: ["efi"] },
  ] satisfies InstallRecord[])("is read as it was written: %o", (record) => {
    expect(readInstallRecord(writeInstallRecord(record))).toEqual(record);
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    ...[{ version: 2 }, { bootId: 1 }, { after: "later" }, { after: undefined }, { loaders: [] }].map((change) =>
      JSON.stringify({ ...RECORD, after: "stays", ...change }),
    ),
    ...[{ loaders: ["efi", "u-boot"] }, { loaders: "efi" }, { reinstall: 7 }].map((change) =>
      JSON.stringify({ ...RECORD, after: "stays", ...change }),
    ),
  ])("is none where something of it is not known: %s", (text) => {
    expect(readInstallRecord(text)).toBeUndefined();
  });
});

describe("the partitions of an installation", () => {
  const names = ["ROS_BIOS", "ROS_ESP", "ROS_OEM", "ROS_SLOT_A", "ROS_SLOT_B", "ROS_STATE"];
  const table = (of: readonly string[], more: object = {}): string =>
    JSON.stringify({
      partitiontable: { partitions: of.map((name, at) => ({ name, start: 100 * (at + 1), size: 7 })), ...more },
    });

  it("are found by name, counted in the disk's own sectors", () => {
    expect(installationParts(table(names))).toEqual({ esp: 200 * 512, oem: 300 * 512, a: 400 * 512, b: 500 * 512 });
    expect(installationParts(table(names, { sectorsize: 4096 }))?.oem).toBe(300 * 4096);
  });

  it("are none where one is missing that each has", () => {
    for (const name of ["ROS_OEM", "ROS_SLOT_A", "ROS_SLOT_B", "ROS_STATE"]) {
      expect(installationParts(table(names.filter((one) => one !== name)))).toBeUndefined();
    }
    expect(installationParts(table(names.filter((one) => one !== "ROS_ESP")))?.esp).toBeUndefined();
  });

  it.each(["", "7", "null", "[]", "{}", `{"partitiontable": {"partitions": [7, {"name": "ROS_OEM", "start": "x"}]}}`])(
    "are none in nonsense: %s",
    (json) => expect(installationParts(json)).toBeUndefined(),
  );
});

describe("what starts", () => {
  it("is the good slot, and of broken words what GRUB takes without them", () => {
    expect(startingSlots(writeGrubEnvironment(new Map([["good", "b"]])))).toEqual(["b"]);
    expect(startingSlots(writeGrubEnvironment(new Map([["good", "c"]])))).toEqual(["a", "b"]);
    expect(startingSlots(Buffer.from("good=b"))).toEqual(["a", "b"]);
  });

  it("needs all boot loaders that were to be written, or one where nobody said which", () => {
    expect(isStartable(RECORD, new Set(["efi", "bios"]))).toBe(true);
    expect(isStartable(RECORD, new Set(["efi"]))).toBe(false);
    expect(isStartable({ ...RECORD, loaders: ["bios"] }, new Set(["bios"]))).toBe(true);
    expect(isStartable(undefined, new Set(["bios"]))).toBe(true);
    expect(isStartable(undefined, new Set())).toBe(false);
  });

  it("is named without what a terminal would obey, and not at any length", () => {
    expect(shownReference("example.com/os:v1")).toBe("example.com/os:v1");
    expect(shownReference("a\u001b[2Jb\u009bc")).toBe("a?[2Jb?c");
    expect(shownReference("x".repeat(9000))).toHaveLength(200);
  });
});
