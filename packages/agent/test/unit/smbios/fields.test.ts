import { describe, expect, it } from "vitest";

import { decodeSmbios } from "../../../src/smbios/index.ts";
import { readFieldVectors, type FieldVector } from "./field-vectors.ts";
import { writeEntryPoint2, writeTable } from "./table-writer.ts";

function decode({ type, version, body, strings }: FieldVector): unknown {
  const table = writeTable([{ type, handle: 1, body: Buffer.from(body, "hex"), strings }]);
  // The older entry point counts its structures: the table needs no end marker, and any version may stand in it.
  const { smbios, fault } = decodeSmbios({ entryPoint: writeEntryPoint2(table.length, 1, version), table });
  expect(fault).toBeUndefined();
  return smbios;
}

describe("a single structure says what dmidecode 3.4 says", () => {
  const byType = Map.groupBy(readFieldVectors(), ({ type }) => type);

  it.each([...byType])("type %d", (_type, vectors) => {
    for (const vector of vectors) expect(decode(vector), JSON.stringify(vector)).toEqual(vector.says);
  });
});
