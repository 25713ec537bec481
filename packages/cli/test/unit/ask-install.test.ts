/** Who is asked before a disk is erased. */
import { describe, expect, it } from "vitest";

import { isErasedUnasked } from "../../src/ask-install.ts";

describe("a disk is erased without a question", () => {
  const [yes, no] = [{ automatic: true }, { automatic: false }];
  it.each([
    ["not where the operator alone says so and somebody sits at a terminal", no, yes, { hasTerminal: true }, false],
    ["where the operator says so and nobody is there", no, yes, { hasTerminal: false }, true],
    ["where the machine's own settings or a flag say so, also at a terminal", yes, yes, { hasTerminal: true }, true],
    [
      "not where somebody was promised a question, whatever says so",
      yes,
      yes,
      { hasTerminal: true, asks: true },
      false,
    ],
    ["not where nobody says so", no, no, { hasTerminal: false }, false],
  ] as const)("%s", (_what, told, answered, who, expected) => {
    expect(isErasedUnasked(told, answered, { asks: false, ...who })).toBe(expected);
  });
});
