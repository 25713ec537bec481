import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationMs } from "@rancheros/protocol/durations";

describe("durationMs", () => {
  // Origin of the strings: documentation of Go's time.ParseDuration; of 5 and 5m: the operator document.
  it.each([
    ["5m", 300_000],
    [5, 5_000],
    ["300ms", 300],
    ["1.5h", 5_400_000],
    ["2h45m", 9_900_000],
    ["1h10m10s", 4_210_000],
    [".5s", 500],
    ["1.s", 1_000],
    ["0", 0],
    [0, 0],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1ns", 0.000_001],
    [300_000_000_000, 300_000],
    [1_000_000_000, 1_000],
    [999_999_999, 999_999_999_000],
    // Go's longest: int64 nanoseconds.
    ["2562047h47m16.854775807s", 9_223_372_036_854.775],
    ["2562048h", 9_223_372_036_854.775],
    [`${"9".repeat(63)}h`, 9_223_372_036_854.775],
  ])("reads %j", (value, ms) => {
    expect(durationMs(value)).toBeCloseTo(ms, ms > 1e12 ? 2 : 9);
  });

  it.each(["", "5", "m", "5 m", "-5m", "1d", "5m3", "s5", ".s", "1".repeat(65) + "s", -1, 1.5, Number.NaN])(
    "refuses %j",
    (value) => {
      expect(durationMs(value)).toBeUndefined();
    },
  );

  it("reads what Go would print of any number of seconds", () => {
    fc.assert(
      fc.property(fc.nat(23), fc.nat(59), fc.nat(59), (h, m, s) => {
        expect(durationMs(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1000);
      }),
    );
  });
});
