/** Small things that turn words into others: durations, hidden tokens. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hideTokens } from "../../src/hide-tokens.ts";
import { parseDuration } from "../../src/parse-duration.ts";

describe("parseDuration", () => {
  it.each([
    ["30s", 30_000],
    ["30", 30_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1m1s500ms", 61_500],
    ["1.5s", 1_500],
    ["500ms", 500],
  ])("reads %s as %d ms", (text, durationMs) => {
    expect(parseDuration(text, "wait")).toBe(durationMs);
  });

  it.each(["", "0", "0s", "-5s", "5 m", "soon", "5d", "1e9s", "99999h", "5m x", "ms"])(
    "refuses %j and names the flag",
    (text) => {
      const parse = (): unknown => parseDuration(text, "wait");
      expect(parse).toThrow(expect.objectContaining({ code: "CLI_USAGE" }));
      expect(parse).toThrow(/^--wait: /);
    },
  );

  it("is a number that a timer can take, or its own error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{1,6}(ms|s|m|h)){1,3}$/)), (text) => {
        try {
          const durationMs = parseDuration(text, "wait");
          expect(durationMs).toBeGreaterThan(0);
          expect(durationMs).toBeLessThan(2 ** 31);
        } catch (error) {
          expect(error).toMatchObject({ code: "CLI_USAGE" });
        }
      }),
    );
  });
});

describe("hideTokens", () => {
  const token = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";

  it("shortens tokens wherever a registration URL stands", () => {
    expect(hideTokens(`at https://h/v1-rancheros/registration/${token}, twice "/registration/${token}"`)).toBe(
      'at https://h/v1-rancheros/registration/5c29... twice "/registration/5c29..."',
    );
  });

  it("leaves the form of the URL in explanations", () => {
    const text = "https://HOST/v1-rancheros/registration/TOKEN.";
    expect(hideTokens(text)).toBe(text);
  });
});
