import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeEntryPoint } from "../../../src/smbios/entry-point.ts";
import { SmbiosError, decodeSmbios } from "../../../src/smbios/index.ts";
import { decodeStructures } from "../../../src/smbios/structures.ts";
import { type StructureBytes, writeEntryPoint2, writeEntryPoint3, writeTable } from "./table-writer.ts";

/** Either a result or an error with a code; anything else fails the test. */
function outcome<T>(work: () => T): T | SmbiosError {
  try {
    return work();
  } catch (error) {
    if (error instanceof SmbiosError) return error;
    throw error;
  }
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const latin1 = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((codes) => String.fromCodePoint(...codes.map((code) => code || 0x20)));
/** Any structure, of the types that are reported more often than of others. */
const structure: fc.Arbitrary<StructureBytes> = fc.record({
  type: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 46 }) }, fc.integer({ min: 0, max: 255 })),
  handle: fc.integer({ min: 0, max: 0xffff }),
  body: bytes(251),
  strings: fc.array(latin1, { maxLength: 6 }),
});
const version = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }));

describe("any bytes", () => {
  it("as entry point give one or SMBIOS_ENTRY_POINT", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "_SM_", "_SM3_"), bytes(40), (anchor, rest) => {
        const result = outcome(() => decodeEntryPoint(Buffer.concat([Buffer.from(anchor), rest])));
        if (result instanceof SmbiosError) expect(result.code).toBe("SMBIOS_ENTRY_POINT");
        else expect(result.tableBytes).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("as table give a report, and a fault with a place within the table where it is damaged", () => {
    fc.assert(
      fc.property(bytes(600), version, fc.option(fc.integer({ min: 0, max: 40 })), (table, [major, minor], count) => {
        const entryPoint =
          count === null
            ? writeEntryPoint3(table.length, [major, minor])
            : writeEntryPoint2(table.length, count, [major, minor]);
        const { fault } = decodeSmbios({ entryPoint, table });
        if (fault === undefined) return;
        expect(["SMBIOS_TRUNCATED", "SMBIOS_MALFORMED"]).toContain(fault.code);
        expect(fault.details["offset"]).toBeLessThanOrEqual(table.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe("any structures", () => {
  it("come back with type, handle, fields and strings", () => {
    fc.assert(
      fc.property(fc.array(structure, { maxLength: 8 }), (structures) => {
        const written = structures.filter(({ type }) => type !== 34);
        const decoded = decodeStructures(writeTable(written), { count: written.length });
        expect(
          decoded.map(({ type, handle, formatted, strings }) => ({
            type,
            handle,
            body: [...formatted.subarray(4)],
            strings,
          })),
        ).toEqual(
          written.map(({ type, handle, body = new Uint8Array(), strings = [] }) => ({
            type,
            handle,
            body: [...body],
            strings: strings.map((text) => text.replaceAll(/[^ -~]/g, ".")),
          })),
        );
      }),
    );
  });

  it("give a report of texts and lists of texts, which JSON keeps", () => {
    fc.assert(
      fc.property(fc.array(structure, { maxLength: 8 }), version, (structures, [major, minor]) => {
        const table = writeTable(structures);
        const { smbios, fault } = decodeSmbios({
          entryPoint: writeEntryPoint2(table.length, structures.length, [major, minor]),
          table,
        });
        expect(fault).toBeUndefined();
        expect(JSON.parse(JSON.stringify(smbios))).toEqual(smbios);
        const values = Object.values(smbios)
          .flat()
          .flatMap((section) => Object.values(section));
        expect(values.flat().filter((value) => typeof value !== "string")).toEqual([]);
        // Nothing that moves a terminal's cursor or a header's end.
        expect(values.flat().filter((value) => /[^ -~]/.test(value))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("whose table is cut or has one byte changed still give a report", () => {
    fc.assert(
      fc.property(
        fc.array(structure, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(),
        (structures, place, byte, cut) => {
          const table = writeTable(structures);
          table[place % table.length] = byte;
          const kept = table.subarray(0, table.length - (cut % 20));
          const { smbios } = decodeSmbios({ entryPoint: writeEntryPoint3(kept.length), table: kept });
          expect(typeof JSON.stringify(smbios)).toBe("string");
        },
      ),
      { numRuns: 300 },
    );
  });
});
