/**
 * A table with every structure type that is reported, in several lengths and with several fillings: what a machine
 * would hardly have, but dmidecode prints. testdata/synthetic.json holds these bytes with dmidecode's text for them.
 */
import { END_OF_TABLE, type StructureBytes } from "./table-writer.ts";

/** Sensible lengths of the formatted area by type: those of the versions of DSP0134 that added fields. */
const LENGTHS: Readonly<Record<number, readonly number[]>> = {
  0: [18, 19, 20, 24, 26],
  1: [8, 25, 27],
  2: [8, 15, 17],
  3: [9, 13, 17, 21, 22, 28],
  4: [26, 32, 35, 40, 42, 48, 50],
  5: [16, 24],
  6: [12],
  7: [15, 19, 27],
  8: [9],
  9: [12, 13, 17, 24],
  10: [6, 10],
  11: [5],
  12: [5],
  13: [6, 22],
  14: [8, 14],
  15: [20, 23, 33],
  16: [15, 23],
  17: [21, 23, 27, 28, 34, 40, 84, 92],
  18: [23],
  19: [15, 31],
  20: [19, 35],
  21: [7],
  22: [16, 26],
  23: [13],
  24: [5],
  25: [9],
  26: [20, 22],
  27: [12, 14, 15],
  28: [20, 22],
  29: [20, 22],
  30: [6],
  32: [11, 20],
  33: [31],
  34: [11],
  35: [11],
  36: [16],
  38: [16, 18],
  39: [16, 22],
  40: [11, 14],
  41: [11],
  43: [27, 31],
  45: [24, 28],
  126: [4, 8],
};

const STRINGS = [
  "Acme",
  "Intel(R) Xeon(R) CPU",
  "S/N 0001",
  "  padded  ",
  "a: b",
  "c:d",
  "L\u00e4nge\u0001",
  "en|US|iso8859-1",
] as const;

/** What the byte at an offset is. Small numbers are indexes of strings and members of enumerations, others are rare. */
const FILLINGS: readonly ((type: number, offset: number) => number)[] = [
  (type, offset) => ((type * 7 + offset * 3) % 8) + 1,
  (type, offset) => [0, 1, 2, 3, 0x80, 0xff, 0, 4][(type + offset * 5) % 8] ?? 0,
  () => 0xff,
  () => 0,
];

/** The structures in order of their types, closed by the end marker. */
export function syntheticTable(): readonly StructureBytes[] {
  let handle = 0;
  const structures = Object.entries(LENGTHS).flatMap(([key, lengths]) => {
    const type = Number(key);
    return lengths.flatMap((lengthBytes, nth) =>
      fillingsFor(nth).map((fill): StructureBytes => {
        const body = Uint8Array.from({ length: lengthBytes - 4 }, (_, index) => fill(type, index + 4));
        handle += 1;
        return { type, handle, body, strings: STRINGS };
      }),
    );
  });
  return [...structures, END_OF_TABLE];
}

/** All fillings for a type's first length, then two for each, so that the table stays readable. */
function fillingsFor(nth: number): readonly ((type: number, offset: number) => number)[] {
  return nth === 0 ? FILLINGS : FILLINGS.slice(0, 2);
}
