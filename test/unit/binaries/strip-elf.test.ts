/** What is loaded stays as it was, on real files and where headers lie. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { stripElf } from "../../../scripts/binaries/strip-elf.ts";

const NODE = readFileSync(process.execPath);

/** The bytes of each segment that is loaded. */
function loaded(file: Buffer): readonly Buffer[] {
  const at = Number(file.readBigUInt64LE(0x20));
  const headers = Array.from({ length: file.readUInt16LE(0x38) }, (_, index) => file.subarray(at + index * 56));
  return headers
    .filter((header) => header.readUInt32LE(0) === 1)
    .map((header) => {
      const offset = Number(header.readBigUInt64LE(8));
      return file.subarray(offset, offset + Number(header.readBigUInt64LE(32)));
    });
}

function sectionNames(file: Buffer): readonly string[] {
  const at = Number(file.readBigUInt64LE(0x28));
  const headers = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => file.subarray(at + index * 64));
  const names = file.subarray(Number(headers[file.readUInt16LE(0x3e)]?.readBigUInt64LE(24)));
  return headers.map((header) => {
    const begin = header.readUInt32LE(0);
    return names.subarray(begin, names.indexOf(0, begin)).toString("latin1");
  });
}

describe("stripElf", () => {
  const stripped = stripElf(NODE);

  it("takes symbols out of Node, and leaves what is loaded but for the header that tells where sections are", () => {
    expect(stripped.length).toBeLessThan(0.85 * NODE.length);
    const [before, after] = [loaded(NODE), loaded(stripped)];
    expect(after.length).toBe(before.length);
    for (const [index, bytes] of after.entries()) {
      const from = index === 0 ? 64 : 0;
      expect(bytes.subarray(from).equals(before[index]?.subarray(from) ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it("keeps the sections that a dynamic loader reads, by name", () => {
    const names = sectionNames(stripped);
    expect(names).toEqual(sectionNames(NODE).filter((name) => names.includes(name)));
    expect(names).toEqual(expect.arrayContaining([".dynsym", ".dynstr", ".rela.dyn", ".text", ".shstrtab"]));
    for (const gone of [".symtab", ".strtab", ".comment"]) expect(names).not.toContain(gone);
  });

  it("does nothing to what it has stripped", () => {
    expect(stripElf(stripped).equals(stripped)).toBe(true);
  });

  it.each([
    ["nothing", () => Buffer.alloc(0)],
    ["a script", () => Buffer.from("#!/bin/sh\n")],
    ["a file that ends within its segments", () => withHeader(NODE.subarray(0, NODE.length / 2))],
    ["a file that ends within its header", () => NODE.subarray(0, 40)],
    ["a file without sections", () => withNumber(NODE, 0x3c, 0)],
  ])("refuses %s", (_what, make) => {
    expect(() => stripElf(make())).toThrow(/ELF|range|outside/);
  });
});

/** With section headers that lie inside, so that only what they tell is outside. */
function withHeader(file: Buffer): Buffer {
  const headers = NODE.subarray(Number(NODE.readBigUInt64LE(0x28)));
  const whole = Buffer.concat([file, headers]);
  whole.writeBigUInt64LE(BigInt(file.length), 0x28);
  return whole;
}

function withNumber(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file.subarray(0, 4096));
  copy.writeUInt16LE(value, at);
  return copy;
}
