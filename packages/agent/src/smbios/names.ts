/** Enumerations of the SMBIOS specification, as runs of names, and the ways in which dmidecode prints them. */

/** First code of a run, then the names of the codes from there on without a gap. */
export type Names = Readonly<Record<number, readonly string[]>>;

/** What dmidecode prints for a code without a name. */
export const OUT_OF_SPEC = "<OUT OF SPEC>";

/** The name of a code, or dmidecode's `<OUT OF SPEC>`. */
export function nameOf(names: Names, code: number): string {
  for (const [first, run] of Object.entries(names)) {
    const name = run[code - Number(first)];
    if (name !== undefined) return name;
  }
  return OUT_OF_SPEC;
}

/** As `nameOf`, for the fields whose codes from 0x80 on belong to the manufacturer. */
export function nameOrOem(names: Names, code: number): string {
  return code >= 0x80 ? "OEM-specific" : nameOf(names, code);
}

/**
 * The names of the bits that are set, lowest bit first.
 * @param firstBit  bit number of the first name; an empty name is a bit that dmidecode does not print
 */
export function bitNames(names: readonly string[], bits: number, firstBit = 0): readonly string[] {
  return names.filter((name, index) => name !== "" && ((bits >>> (firstBit + index)) & 1) === 1);
}
