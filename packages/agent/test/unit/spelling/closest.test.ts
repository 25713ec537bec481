import { describe, expect, it } from "vitest";

import { closest } from "../../../src/spelling/index.ts";

describe("closest", () => {
  const known = ["get-tpm-hash", "hardware", "register", "smbios", "version"];

  it.each([
    ["registr", "register"],
    ["regsiter", "register"],
    ["get-tpm-hsah", "get-tpm-hash"],
    ["get", "get-tpm-hash"],
    ["hw", undefined],
    ["versoin", "version"],
    ["upgrade", undefined],
    ["x", undefined],
  ])("of %s is %s", (word, meant) => {
    expect(closest(word, known)).toBe(meant);
  });

  it("of nothing is nothing", () => {
    expect(closest("x", [])).toBeUndefined();
  });
});
