import { describe, expect, it } from "vitest";

import { decodeSmbios } from "../../../src/smbios/index.ts";
import { parseAsOriginal, parseBlocks } from "./dmidecode-text.ts";
import { syntheticTable } from "./synthetic-table.ts";
import { writeEntryPoint3, writeTable } from "./table-writer.ts";
import ovmf from "./testdata/ovmf-smbios-2.8.json" with { type: "json" };
import seabios2 from "./testdata/seabios-smbios-2.8.json" with { type: "json" };
import seabios3 from "./testdata/seabios-smbios-3.0.json" with { type: "json" };
import synthetic from "./testdata/synthetic.json" with { type: "json" };

const VECTORS = [
  { title: "SeaBIOS, entry point 2.8", vector: seabios2, version: { major: 2, minor: 8, revision: 0 } },
  { title: "SeaBIOS, entry point 3.0, two processors", vector: seabios3, version: { major: 3, minor: 0, revision: 0 } },
  { title: "OVMF", vector: ovmf, version: { major: 2, minor: 8, revision: 0 } },
  { title: "every type in many shapes", vector: synthetic, version: { major: 3, minor: 5, revision: 0 } },
];

function decode(vector: { readonly entryPoint: string; readonly table: string }): ReturnType<typeof decodeSmbios> {
  return decodeSmbios({
    entryPoint: Buffer.from(vector.entryPoint, "base64"),
    table: Buffer.from(vector.table, "base64"),
  });
}

/** What dmidecode's text says, block for block: the first under its title, and where there are more, all under `[]`. */
function expectedReport(text: string): Record<string, unknown> {
  const byTitle = Map.groupBy(
    parseBlocks(text).flatMap((report) => Object.entries(report)),
    ([title]) => title,
  );
  const entries = [...byTitle].flatMap(([title, found]) => {
    const sections = found.map(([, section]) => section);
    const first: [string, unknown] = [title, sections[0]];
    return sections.length === 1 ? [first] : [first, [`${title}[]`, sections] satisfies [string, unknown]];
  });
  return Object.fromEntries(entries);
}

describe.each(VECTORS)("$title", ({ vector, version }) => {
  const text = vector.dmidecode.join("\n");

  it("is decoded without a fault", () => {
    const decoded = decode(vector);
    expect(decoded.fault).toBeUndefined();
    expect(decoded.version).toEqual(version);
  });

  it("says what dmidecode 3.4 says, in its words and its order", () => {
    const { smbios } = decode(vector);
    const expected = expectedReport(text);
    expect(smbios).toEqual(expected);
    // toEqual does not look at the order of keys.
    expect(JSON.stringify(smbios)).toBe(JSON.stringify(expected));
  });

  it("differs from the original's report only where that lost structures", () => {
    const { smbios } = decode(vector);
    const original = Object.entries(parseAsOriginal(text));
    expect(Object.keys(smbios).filter((title) => !title.endsWith("[]"))).toEqual(original.map(([title]) => title));
    for (const [title, section] of original) {
      const all = smbios[`${title}[]`];
      expect(Array.isArray(all) ? all.at(-1) : smbios[title]).toEqual(section);
    }
  });
});

describe("the synthetic table", () => {
  it("is what its writer writes", () => {
    const table = writeTable(syntheticTable());
    expect(synthetic.table).toBe(table.toString("base64"));
    expect(synthetic.entryPoint).toBe(writeEntryPoint3(table.length).toString("base64"));
  });

  it("has every type that is reported", () => {
    // Every type of DSP0134 3.5 but those that dmidecode 3.4 prints without a name or only as bytes.
    const types = new Set(syntheticTable().map(({ type }) => type));
    const reported = [...Array(46).keys(), 126, 127].filter((type) => ![31, 37, 42, 44].includes(type));
    expect([...types].sort((one, other) => one - other)).toEqual(reported);
  });
});

describe("several structures of one type", () => {
  const { smbios } = decode(seabios3);

  it("are all under the title with [] behind it", () => {
    expect(smbios["Processor Information[]"]).toMatchObject([
      { "Socket Designation": "CPU 0", "Serial Number": "P-1" },
      { "Socket Designation": "CPU 1", "Serial Number": "P-1" },
    ]);
  });

  it("leave the first one under the plain title, where templates look", () => {
    expect(smbios["Processor Information"]).toMatchObject({ "Socket Designation": "CPU 0" });
  });

  it("are no reason for an array where there is one", () => {
    expect(smbios["System Information"]).toMatchObject({ "Serial Number": "SN-0001" });
    expect(Object.keys(smbios)).not.toContain("System Information[]");
  });
});
