/** What a disk says of an installation, and what is believed of it. */
import { describe, expect, it } from "vitest";

import { readInstallRecord, writeInstallRecord, type InstallRecord } from "../../../src/install/install-record.ts";
import {
  installationParts,
  judgeLoaders,
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
  it("is the good slot or else the other, and of broken words what GRUB takes without them", () => {
    expect(startingSlots(writeGrubEnvironment(new Map([["good", "b"]])))).toEqual(["b", "a"]);
    expect(startingSlots(writeGrubEnvironment(new Map([["good", "a"]])))).toEqual(["a", "b"]);
    expect(startingSlots(writeGrubEnvironment(new Map([["good", "c"]])))).toEqual(["a", "b"]);
    expect(startingSlots(Buffer.from("good=b"))).toEqual(["a", "b"]);
  });

  const none = { kind: "none" } as const;
  const damaged = { kind: "unclear", why: "its partition ROS_ESP cannot be read" } as const;
  const withoutEfi = { kind: "unclear", why: "its boot loader for efi is missing" } as const;
  it.each([
    [["efi", "bios"], true, "there", undefined],
    [["efi", "bios"], true, "missing", withoutEfi],
    [["efi", "bios"], true, "unreadable", damaged],
    [["efi", "bios"], false, "there", none],
    [["efi", "bios"], false, "missing", none],
    [["efi", "bios"], false, "unreadable", damaged],
    [["efi"], false, "there", undefined],
    [["efi"], true, "missing", none],
    [["efi"], false, "unreadable", damaged],
    [["bios"], true, "unreadable", undefined],
    [["bios"], true, "missing", undefined],
    [["bios"], false, "there", none],
  ] as const)("had boot loaders for %j: of BIOS there %s, of UEFI %s", (loaders, bios, efi, judged) => {
    expect(judgeLoaders({ ...RECORD, loaders }, true, { bios, efi })).toEqual(judged);
  });

  it.each([
    [true, true, "missing", undefined],
    [true, false, "there", undefined],
    [true, true, "unreadable", undefined],
    [true, false, "missing", none],
    // Made before ROS_OEM has any file.
    [true, false, "unreadable", damaged],
    [false, false, "unreadable", none],
    [false, true, "unreadable", undefined],
  ] as const)(
    "had any boot loader where nobody said which: files %s, of BIOS there %s, of UEFI %s",
    (isConfigured, bios, efi, judged) => {
      expect(judgeLoaders(undefined, isConfigured, { bios, efi })).toEqual(judged);
    },
  );

  it("is named without what a terminal would obey, and not at any length", () => {
    expect(shownReference("example.com/os:v1")).toBe("example.com/os:v1");
    expect(shownReference("a\u001b[2Jb\u009bc")).toBe("a?[2Jb?c");
    expect(shownReference("x".repeat(9000))).toHaveLength(200);
  });
});
