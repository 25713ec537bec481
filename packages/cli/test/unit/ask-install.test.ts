/** Who is asked before a disk is erased. */
import { describe, expect, it } from "vitest";

import { isErasedUnasked } from "../../src/ask-install.ts";

describe("a disk is erased without a question", () => {
  const [yes, no] = [{ automatic: true }, { automatic: false }];
  it.each([
    ["not where the operator alone says so and somebody sits at a terminal", no, yes, true, false],
    ["where the operator says so and nobody is there", no, yes, false, true],
    ["where the machine's own settings or a flag say so, also at a terminal", yes, yes, true, true],
    ["not where nobody says so", no, no, false, false],
  ] as const)("%s", (_what, told, answered, hasTerminal, expected) => {
    expect(isErasedUnasked(told, answered, hasTerminal)).toBe(expected);
  });
});
