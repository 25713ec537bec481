import { describe, expect, it } from "vitest";

import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { decodeSmbios } from "../../../src/smbios/index.ts";
import { decodeStructures } from "../../../src/smbios/structures.ts";
import { decodeEntryPoint } from "../../../src/smbios/entry-point.ts";
import {
  END_OF_TABLE,
  complement,
  systemInformation,
  writeEntryPoint2,
  writeEntryPoint3,
  writeEntryPointLegacy,
  writeStructure,
  writeTable,
} from "./table-writer.ts";

const STRINGS = ["Acme", "Rack 7", "r1", "S-1", "SKU-7", "Rack"];
const SYSTEM = systemInformation(0x0100, STRINGS);

function decodeTable(table: Buffer): ReturnType<typeof decodeSmbios> {
  return decodeSmbios({ entryPoint: writeEntryPoint3(table.length), table });
}

/** Sets bytes of an entry point; `fix` makes its checksum right again. */
function changed(entryPoint: Buffer, changes: Readonly<Record<number, number>>, fix?: number): Buffer {
  const copy = Buffer.from(entryPoint);
  for (const [offset, byte] of Object.entries(changes)) copy[Number(offset)] = byte;
  if (fix !== undefined) {
    copy[fix] = 0;
    copy[fix] = complement(copy);
  }
  return copy;
}

describe("an entry point that is none", () => {
  const two = writeEntryPoint2(100, 3);
  const three = writeEntryPoint3(100);
  const legacy = writeEntryPointLegacy(100, 3, [2, 5]);
  it.each([
    { title: "empty", bytes: Buffer.alloc(0) },
    { title: "zeros", bytes: Buffer.alloc(31) },
    { title: "wrong anchor", bytes: changed(three, { 1: 0x54 }, 5) },
    { title: "legacy, too short", bytes: legacy.subarray(0, 14) },
    { title: "legacy, wrong checksum", bytes: changed(legacy, { 5: (legacy[5] ?? 0) ^ 1 }) },
    { title: "legacy, one bit of the count flipped", bytes: changed(legacy, { 12: (legacy[12] ?? 0) ^ 1 }) },
    { title: "3.x, wrong checksum", bytes: changed(three, { 5: (three[5] ?? 0) ^ 1 }) },
    { title: "3.x, one bit of the length flipped", bytes: changed(three, { 12: (three[12] ?? 0) ^ 1 }) },
    { title: "3.x, too short", bytes: three.subarray(0, 23) },
    { title: "3.x, announces less than it has", bytes: changed(three, { 6: 23 }, 5) },
    { title: "3.x, announces more than there is", bytes: changed(three, { 6: 32 }, 5) },
    { title: "3.x, announces 255", bytes: changed(Buffer.concat([three, Buffer.alloc(300)]), { 6: 255 }, 5) },
    { title: "2.x, wrong checksum", bytes: changed(two, { 4: (two[4] ?? 0) ^ 1 }) },
    { title: "2.x, no _DMI_", bytes: changed(two, { 17: 0x4e }, 4) },
    { title: "2.x, wrong checksum of the second part", bytes: changed(two, { 21: (two[21] ?? 0) ^ 1 }, 4) },
    { title: "2.x, too short", bytes: two.subarray(0, 30) },
  ])("$title", ({ bytes }) => {
    expect(() => decodeEntryPoint(bytes)).toThrow(expect.objectContaining({ code: "SMBIOS_ENTRY_POINT" }));
    expect(() => decodeSmbios({ entryPoint: bytes, table: writeTable([SYSTEM]) })).toThrow(
      expect.objectContaining({ code: "SMBIOS_ENTRY_POINT", failure: "nonsense" }),
    );
  });

  it("the unchanged ones are accepted, so the changes are what is refused", () => {
    expect(decodeEntryPoint(two)).toMatchObject({
      version: { major: 2, minor: 8 },
      tableBytes: 100,
      structureCount: 3,
    });
    expect(decodeEntryPoint(three)).toMatchObject({ version: { major: 3, minor: 5 }, structureCount: undefined });
    expect(decodeEntryPoint(legacy)).toEqual({
      version: { major: 2, minor: 5, revision: 0 },
      tableAddress: 32n,
      tableBytes: 100,
      structureCount: 3,
    });
  });

  it("takes the second part of a 2.x one for a legacy one, as the kernel hands it out where the first is broken", () => {
    expect(decodeEntryPoint(two.subarray(16))).toMatchObject({ tableBytes: 100, structureCount: 3 });
  });

  it("takes the length of 30 that some 2.1 firmware states", () => {
    expect(decodeEntryPoint(changed(two, { 5: 30 }, 4))).toMatchObject({ tableBytes: 100 });
  });

  it.each([
    [0x1f, 3],
    [0x21, 3],
    [0x33, 6],
  ])("reads the misspelt version 2.%d as 2.%d", (minor, meant) => {
    expect(decodeEntryPoint(writeEntryPoint2(10, 1, [2, minor])).version.minor).toBe(meant);
  });
});

describe("a damaged table", () => {
  const whole = writeStructure(SYSTEM);
  const next = writeStructure({ type: 11, handle: 0x0200, body: Uint8Array.of(1), strings: ["one"] });

  it.each([
    { title: "cut behind a header", table: Buffer.concat([whole, next.subarray(0, 4)]), code: "SMBIOS_TRUNCATED" },
    { title: "cut in the fields", table: Buffer.concat([whole, next.subarray(0, 5)]), code: "SMBIOS_TRUNCATED" },
    { title: "cut in a string", table: Buffer.concat([whole, next.subarray(0, 7)]), code: "SMBIOS_TRUNCATED" },
    { title: "without the last zero", table: Buffer.concat([whole, next.subarray(0, -1)]), code: "SMBIOS_TRUNCATED" },
    {
      title: "a structure shorter than its header",
      table: Buffer.concat([whole, writeStructure({ type: 11, handle: 2, announcedBytes: 3 }), next]),
      code: "SMBIOS_MALFORMED",
    },
    {
      title: "a structure of no length",
      table: Buffer.concat([whole, Buffer.alloc(64)]),
      code: "SMBIOS_MALFORMED",
    },
    {
      title: "a structure that announces more than the table has",
      table: Buffer.concat([whole, writeStructure({ type: 11, handle: 2, announcedBytes: 200 })]),
      code: "SMBIOS_TRUNCATED",
    },
  ])("$title: what stands before it is reported, with the place", ({ table, code }) => {
    const { smbios, fault } = decodeTable(table);
    expect(fault).toMatchObject({ code, failure: "nonsense", details: { offset: whole.length } });
    expect(Object.keys(smbios)).toEqual(["System Information"]);
    expect(smbios["System Information"]).toMatchObject({ Manufacturer: "Acme", "Serial Number": "S-1" });
    expect(() => decodeStructures(table)).toThrow(expect.objectContaining({ code }));
  });

  it("cut anywhere never shows a structure that is not whole", () => {
    const table = Buffer.concat([whole, next, writeStructure(END_OF_TABLE)]);
    const seen = Array.from({ length: table.length }, (_, length) =>
      Object.keys(decodeTable(table.subarray(0, length)).smbios),
    );
    expect(seen[whole.length - 1]).toEqual([]);
    expect(seen[whole.length]).toEqual(["System Information"]);
    expect(seen[whole.length + next.length - 1]).toEqual(["System Information"]);
    expect(seen[whole.length + next.length]).toEqual(["System Information", "OEM Strings"]);
  });

  it("that holds fewer structures than announced says so", () => {
    const table = Buffer.concat([whole, next]);
    const { smbios, fault } = decodeSmbios({ entryPoint: writeEntryPoint2(table.length, 5), table });
    expect(fault).toMatchObject({ code: "SMBIOS_TRUNCATED", details: { announced: 5, found: 2 } });
    expect(Object.keys(smbios)).toEqual(["System Information", "OEM Strings"]);
  });

  it("ends where the entry point says, not where the file ends", () => {
    const table = Buffer.concat([whole, next]);
    const { smbios } = decodeSmbios({ entryPoint: writeEntryPoint3(whole.length), table });
    expect(Object.keys(smbios)).toEqual(["System Information"]);
  });

  it("of 3.x ends at the end marker, of 2.x at the count", () => {
    const table = writeTable([
      SYSTEM,
      END_OF_TABLE,
      { type: 11, handle: 3, body: Uint8Array.of(1), strings: ["late"] },
    ]);
    expect(Object.keys(decodeTable(table).smbios)).toEqual(["System Information"]);
    const counted = decodeSmbios({ entryPoint: writeEntryPoint2(table.length, 3), table });
    expect(Object.keys(counted.smbios)).toEqual(["System Information", "OEM Strings"]);
  });

  it("that is empty is an empty report", () => {
    expect(decodeTable(Buffer.alloc(0))).toMatchObject({ smbios: {}, fault: undefined });
  });
});

describe("damaged strings", () => {
  function manufacturer(body: Uint8Array, strings: readonly string[]): unknown {
    const { smbios } = decodeTable(writeTable([{ type: 1, handle: 1, body, strings }]));
    const system = smbios["System Information"];
    return system !== undefined && "Manufacturer" in system ? system["Manufacturer"] : undefined;
  }

  it.each([
    { title: "number behind the last string", number: 2, strings: ["Acme"], expected: "<BAD INDEX>" },
    { title: "number with no strings at all", number: 1, strings: [], expected: "<BAD INDEX>" },
    { title: "number 255", number: 255, strings: ["Acme"], expected: "<BAD INDEX>" },
    { title: "number 0", number: 0, strings: ["Acme"], expected: "Not Specified" },
    { title: "half of a UTF-8 character", number: 1, strings: ["Ac\u00c3me"], expected: "Ac.me" },
    { title: "whole UTF-8 character", number: 1, strings: ["L\u00c3\u00a4nge"], expected: "L..nge" },
    { title: "bytes that UTF-8 never has", number: 1, strings: ["\u00ff\u00fe\u00c0\u0080"], expected: "...." },
    { title: "control characters", number: 1, strings: ["\u001b[2J\u0007\t\r\n"], expected: ".[2J...." },
    { title: "only spaces", number: 1, strings: ["   "], expected: "" },
    { title: "64 KiB long", number: 1, strings: ["x".repeat(65_536)], expected: "x".repeat(65_536) },
  ])("$title", ({ number, strings, expected }) => {
    expect(manufacturer(Uint8Array.of(number, 0, 0, 0), strings)).toBe(expected);
  });
});

describe("very large tables", () => {
  /** Decodes, and holds the time that it takes against what is soon. */
  function decodedSoon(table: Buffer): ReturnType<typeof decodeTable> {
    let result: ReturnType<typeof decodeTable> | undefined;
    expect(cpuMsOf(() => (result = decodeTable(table)))).toBeLessThan(SOON_MS);
    if (result === undefined) throw new Error("it was not decoded");
    return result;
  }

  it("10,000 structures are all kept, in bounded time", () => {
    const structures = Array.from({ length: 10_000 }, (_, index) =>
      systemInformation(index, [`A${index}`, ...STRINGS]),
    );
    const result = decodedSoon(writeTable([...structures, END_OF_TABLE]));
    expect(result.fault).toBeUndefined();
    const all = result.smbios["System Information[]"];
    expect(all).toHaveLength(10_000);
    expect(Array.isArray(all) ? all.at(-1) : undefined).toMatchObject({ Manufacturer: "A9999" });
    expect(result.smbios["System Information"]).toMatchObject({ Manufacturer: "A0" });
  });

  it.each([
    { title: "one structure whose strings fill it", bytes: "a" },
    { title: "strings of one character", bytes: "a\0" },
  ])("1 MB: $title", ({ bytes }) => {
    const head = Buffer.from([11, 5, 1, 0, 255]);
    const table = Buffer.concat([head, Buffer.from(bytes.repeat(1_048_576 / bytes.length)), Buffer.from("\0\0")]);
    const result = decodedSoon(table);
    expect(result.fault).toBeUndefined();
    expect(Object.keys(result.smbios)).toEqual(["OEM Strings"]);
  });

  it("1 MB of structures without strings", () => {
    const one = writeStructure({ type: 126, handle: 7 });
    const table = Buffer.concat(Array.from({ length: Math.floor(1_048_576 / one.length) }, () => one));
    const result = decodedSoon(table);
    expect(result.smbios["Inactive[]"]).toHaveLength(174_762);
  });

  it("1 MB without an end", () => {
    const result = decodedSoon(Buffer.alloc(1_048_576, 0x61));
    expect(result.fault).toMatchObject({ code: "SMBIOS_TRUNCATED", details: { offset: 0 } });
  });
});
