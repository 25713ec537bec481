/** Holds the vectors, and structures that nobody chose, against dmidecode itself, as the packages of the tests bring it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { describeStructure } from "../../../src/smbios/describe-structure.ts";
import { decodeSmbios } from "../../../src/smbios/index.ts";
import { decodeStructures } from "../../../src/smbios/structures.ts";
import { parseBlocks, type Report } from "../../unit/smbios/dmidecode-text.ts";
import { readFieldVectors } from "../../unit/smbios/field-vectors.ts";
import {
  END_OF_TABLE,
  type StructureBytes,
  complement,
  systemInformation,
  writeEntryPoint2,
  writeEntryPointLegacy,
  writeTable,
} from "../../unit/smbios/table-writer.ts";

/** Other versions word some things otherwise. */
const VERSION = "3.4";
const DUMP_HEAD_BYTES = 32;
/** Types of which dmidecode 3.4 knows more than is reported, or what it prints makes no sense: see describe-structure.ts. */
const NOT_REPORTED = new Set([31, 37, 42, 44]);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "dmidecode-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What dmidecode says of each structure. */
function askDmidecode(structures: readonly StructureBytes[], version: readonly [number, number]): readonly Report[] {
  const table = writeTable(structures);
  const head = Buffer.alloc(DUMP_HEAD_BYTES);
  writeEntryPoint2(table.length, structures.length, version).copy(head);
  // In a dump the table's address is its place in the file. Both parts of the entry point have a checksum.
  head.writeUInt32LE(DUMP_HEAD_BYTES, 24);
  head[21] = 0;
  head[21] = complement(head.subarray(16));
  head[4] = 0;
  head[4] = complement(head);
  return parseBlocks(askAbout(Buffer.concat([head, table])));
}

function askAbout(dump: Uint8Array): string {
  const file = path.join(folder, "dump.bin");
  writeFileSync(file, dump);
  return execFileSync("dmidecode", ["--from-dump", file], {
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 20_000,
  });
}

describe(`dmidecode ${VERSION}`, () => {
  it("is the one that these words are of", () => {
    const text = execFileSync("dmidecode", ["--version"], { encoding: "utf8", timeout: 20_000 });
    expect(text.trim()).toBe(VERSION);
  });

  it("reads the version and the size of a legacy entry point as we do", () => {
    const structures = [systemInformation(0x0100, ["Acme", "Rack 7", "r1", "S-1"]), END_OF_TABLE];
    const table = writeTable(structures);
    const entryPoint = writeEntryPointLegacy(table.length, structures.length, [2, 4]);
    const head = Buffer.alloc(DUMP_HEAD_BYTES);
    entryPoint.copy(head);
    const text = askAbout(Buffer.concat([head, table]));
    const { version, smbios, fault } = decodeSmbios({ entryPoint, table });
    expect(text).toContain("Legacy DMI 2.4 present.");
    expect(text).toContain(`${structures.length} structures occupying ${table.length} bytes.`);
    expect({ version, fault }).toEqual({ version: { major: 2, minor: 4, revision: 0 }, fault: undefined });
    const [system] = parseBlocks(text);
    expect(smbios).toEqual(system);
    expect(smbios).toMatchObject({ "System Information": { "Serial Number": "S-1" } });
  });

  it("says of the vectors what they hold", () => {
    const byVersion = Map.groupBy(readFieldVectors(), ({ version }) => version.join("."));
    for (const vectors of byVersion.values()) {
      const [first] = vectors;
      const structures = vectors.map(({ type, body, strings }, handle) => {
        return { type, handle, body: Buffer.from(body, "hex"), strings };
      });
      expect(askDmidecode(structures, first?.version ?? [0, 0])).toEqual(vectors.map(({ says }) => says));
    }
  });

  it("says of any structures what the report says, in the same order", () => {
    const type = fc.constantFrom(...[...Array(46).keys(), 126].filter((one) => !NOT_REPORTED.has(one)));
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff));
    const text = fc.constantFrom("Acme", "Intel", "AMD", "  padded  ", "a: b", "x:y", "L\u00e4nge\u0001");
    const structure = fc.record({
      type,
      handle: fc.integer({ min: 0, max: 0xffff }),
      body: fc.array(byte, { maxLength: 110 }).map((bytes) => Uint8Array.from(bytes)),
      strings: fc.array(text, { maxLength: 6 }),
    });
    const version = fc.constantFrom([2, 0], [2, 1], [2, 5], [2, 8], [3, 5]);
    fc.assert(
      fc.property(
        fc.array(structure, { minLength: 200, maxLength: 200 }),
        version,
        (structures, [major = 0, minor = 0]) => {
          const decoded = decodeStructures(writeTable(structures), { count: structures.length });
          const reports = decoded.map((one) =>
            Object.fromEntries(
              describeStructure(one, (major << 8) | minor).map(({ title, section }) => [title, section]),
            ),
          );
          // As JSON, for the order of keys counts.
          expect(reports.map((one) => JSON.stringify(one))).toEqual(
            askDmidecode(structures, [major, minor]).map((one) => JSON.stringify(one)),
          );
        },
      ),
      // Shrinking would ask hundreds of times; the difference shows the structure.
      { numRuns: 20, endOnFailure: true },
    );
  });
});
