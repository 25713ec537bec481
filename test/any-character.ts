/** Any character that a text may have, for property tests: fast-check's own unit "binary" computes for seconds before the first. */
import * as fc from "fast-check";

/** Code points without surrogates, which no UTF-8 has; one in three is ASCII, control characters included. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));
