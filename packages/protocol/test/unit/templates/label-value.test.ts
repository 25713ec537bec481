import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { labelValue } from "../../../src/templates/label-value.ts";

const VALID = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

describe("labelValue", () => {
  it.each([
    ["Dell Inc.", "Dell-Inc"],
    ["a  b", "a-b"],
    ["--x--", "x"],
    ["PowerEdge_R640.v2", "PowerEdge_R640.v2"],
    ["äöü", ""],
    ["", ""],
  ])("makes %j into %j", (text, value) => {
    expect(labelValue(text)).toBe(value);
  });

  it("leaves no dash at the end after the cut, which Kubernetes would refuse", () => {
    expect(labelValue(`${"a".repeat(57)} b`)).toBe("a".repeat(57));
  });

  it("takes no longer for text that is made to take long", () => {
    const make = (): void => {
      for (let count = 0; count < 64; count += 1) labelValue(`a${".".repeat(40_000)}a`);
    };
    expect(cpuMsOf(make)).toBeLessThan(SOON_MS);
    expect(labelValue(`a${".".repeat(40_000)}a`)).toBe("a");
  });

  it("is always a label value", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(labelValue(text)).toMatch(VALID);
        expect(labelValue(text).length).toBeLessThanOrEqual(63);
      }),
    );
  });
});
