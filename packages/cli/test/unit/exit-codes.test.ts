import { CodedError, type ErrorKind, type FailureClass } from "@rancheros/protocol/errors";
import { describe, expect, it } from "vitest";

import { EXIT_CODES, SUCCESS, describeExitCodes, exitCodeOf } from "../../src/exit-codes.ts";

function failing(failure: FailureClass): CodedError {
  const kind: ErrorKind = { failure, retry: "never", meaning: "x", mend: "x" };
  return new CodedError({ TEST: kind }, "TEST", "x");
}

describe("exit codes", () => {
  // Scripts out there rely on these numbers: they may grow in number, and never change.
  it.each([
    ["internal", 1],
    ["usage", 2],
    ["tpm", 3],
    ["unreachable", 4],
    ["refused", 5],
    ["timeout", 6],
    ["nonsense", 7],
    ["environment", 8],
    ["busy", 9],
    ["interrupted", 130],
  ] as const)("of %s is %d", (failure, code) => {
    expect(exitCodeOf(failing(failure))).toBe(code);
  });

  it("of anything else is that of a defect", () => {
    expect(exitCodeOf(new TypeError("x"))).toBe(1);
    expect(exitCodeOf("x")).toBe(1);
  });

  it("are all different, and all in the table that people see", () => {
    const all = [SUCCESS, ...Object.values(EXIT_CODES)];
    expect(new Set(all.map(({ code }) => code)).size).toBe(all.length);
    for (const { code, meaning } of all) expect(describeExitCodes()).toContain(`${code}  ${meaning}\n`);
  });
});
