import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { SmbiosError, decodeSmbios, smbiosForHeader, type Smbios } from "../../../src/smbios/index.ts";
import synthetic from "./testdata/synthetic.json" with { type: "json" };

/** Bytes of the header's value. */
function headerBytes(smbios: Smbios): number {
  return Buffer.from(JSON.stringify(smbios)).toString("base64").length;
}

const SYSTEM = { Manufacturer: "Acme", "Serial Number": "S-1" };
const REPORT: Smbios = {
  "Cache Information": { "Socket Designation": "L1" },
  "Cache Information[]": [{ "Socket Designation": "L1" }, { "Socket Designation": "L2" }],
  "Memory Device": { Size: "8 GB" },
  "BIOS Information": { Vendor: "Acme" },
  "System Information": SYSTEM,
};

describe("a report for a header", () => {
  it("is the whole report where that fits, to the byte", () => {
    expect(smbiosForHeader(REPORT, headerBytes(REPORT))).toEqual(REPORT);
  });

  it("loses the lists of all handles first, then what nobody asks for, then the less wanted", () => {
    const { "Cache Information[]": _list, ...withoutList } = REPORT;
    expect(smbiosForHeader(REPORT, headerBytes(REPORT) - 4)).toEqual(withoutList);
    const { "Cache Information": _cache, ...withoutCache } = withoutList;
    expect(smbiosForHeader(REPORT, headerBytes(withoutCache))).toEqual(withoutCache);
    const { "Memory Device": _memory, ...withoutMemory } = withoutCache;
    expect(smbiosForHeader(REPORT, headerBytes(withoutMemory))).toEqual(withoutMemory);
    expect(smbiosForHeader(REPORT, headerBytes({ "System Information": SYSTEM }))).toEqual({
      "System Information": SYSTEM,
    });
  });

  it("keeps the order of the report", () => {
    const bytes = headerBytes(REPORT) - 4;
    expect(Object.keys(smbiosForHeader(REPORT, bytes))).toEqual([
      "Cache Information",
      "Memory Device",
      "BIOS Information",
      "System Information",
    ]);
  });

  it("counts bytes, not characters", () => {
    const report: Smbios = { "System Information": { Family: "\u00e4".repeat(90) } };
    expect(smbiosForHeader(report, headerBytes(report) - 4)).toEqual({});
    expect(smbiosForHeader(report, headerBytes(report))).toEqual(report);
  });

  it("leaves out a section that is too large by itself, and takes those behind it", () => {
    const report: Smbios = {
      "System Information": { Family: "x".repeat(900) },
      "BIOS Information": { Vendor: "Acme" },
    };
    expect(smbiosForHeader(report, 200)).toEqual({ "BIOS Information": { Vendor: "Acme" } });
  });

  it("keeps the name's sources of a large report within the 7 KB that proxies let through", () => {
    const { smbios } = decodeSmbios({
      entryPoint: Buffer.from(synthetic.entryPoint, "base64"),
      table: Buffer.from(synthetic.table, "base64"),
    });
    const sent = smbiosForHeader(smbios, 7168);
    expect(headerBytes(smbios)).toBeGreaterThan(7168);
    expect(headerBytes(sent)).toBeLessThanOrEqual(7168);
    expect(sent["System Information"]).toEqual(smbios["System Information"]);
    expect(sent["Base Board Information"]).toEqual(smbios["Base Board Information"]);
  });

  it.each([0, 1, 3, -1])("%d bytes have room for nothing, and that is an error", (maxBytes) => {
    expect(() => smbiosForHeader(REPORT, maxBytes)).toThrow(
      expect.objectContaining({ code: "SMBIOS_HEADER_LIMIT", details: { maxBytes } }),
    );
  });

  it("4 bytes have room for an empty report", () => {
    expect(smbiosForHeader(REPORT, 4)).toEqual({});
  });

  it("never exceeds the limit, holds sections as they are, and always the most wanted one that fits", () => {
    const titles = fc.constantFrom(
      "System Information",
      "BIOS Information",
      "OEM Strings",
      "Cache Information",
      "Memory Device[]",
      "X",
    );
    const section = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 30, unit: "grapheme" }));
    fc.assert(
      fc.property(fc.dictionary(titles, section), fc.integer({ min: -4, max: 600 }), (report, maxBytes) => {
        let sent: Smbios;
        try {
          sent = smbiosForHeader(report, maxBytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SmbiosError);
          expect(maxBytes).toBeLessThan(4);
          return;
        }
        expect(headerBytes(sent)).toBeLessThanOrEqual(maxBytes);
        for (const [title, kept] of Object.entries(sent)) expect(kept).toEqual(report[title]);
        const first = report["System Information"];
        if (first !== undefined && headerBytes({ "System Information": first }) <= maxBytes) {
          expect(sent["System Information"]).toEqual(first);
        }
      }),
    );
  });
});
