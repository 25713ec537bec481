import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareVersions,
  isInRange,
  parseShortVersion,
  parseVersion,
  parseVersionRange,
  type Version,
} from "@rancheros/protocol/versions";
// Origin: see the file's first field.
import vectors from "./testdata/npm-semver.json" with { type: "json" };

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} was not read`);
  return parsed;
}

describe("parseVersion", () => {
  it.each([
    "1.2.3",
    "v1.2.3",
    "V0.0.0",
    "1.0.0-alpha.1",
    "1.0.0-0.3.7",
    "1.0.0-x-y-z.--",
    "1.0.0+21AF26D3---117B344092BD",
  ])("reads %s", (text) => {
    expect(parseVersion(text)).toBeDefined();
  });

  // Origin: the list of invalid versions on semver.org, and what channels send.
  it.each([
    "",
    "1",
    "1.2",
    "01.1.1",
    "1.2.3-0123",
    "1.2.3-",
    "1.2.3+",
    "1.2.3-a..b",
    "1.2.3.4",
    "-1.0.3",
    "alpha",
    " 1.2.3",
    "1.2.3\n",
    "vv1.2.3",
    "latest",
    "1.2.3-é",
    `1.2.${"3".repeat(200)}`,
  ])("refuses %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it("fills in what a machine leaves out", () => {
    expect(parseShortVersion("12")).toEqual(version("12.0.0"));
    expect(parseShortVersion("v1.2")).toEqual(version("1.2.0"));
    expect(parseShortVersion("12 (bookworm)")).toBeUndefined();
  });
});

describe("compareVersions", () => {
  it("says of all vectors what npm's semver says", () => {
    const ours = vectors.compare.map(([a, b]) => [
      a,
      b,
      Math.sign(compareVersions(version(String(a)), version(String(b)))),
    ]);
    expect(ours).toEqual(vectors.compare);
  });

  it("compares numbers that no number type holds", () => {
    expect(compareVersions(version("1.0.99999999999999999999"), version("1.0.100000000000000000000"))).toBeLessThan(0);
  });

  it("orders any versions in one way only", () => {
    const part = fc.constantFrom("0", "1", "9", "10", "alpha", "rc1", "-");
    const any = fc
      .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.array(part, { maxLength: 3 }))
      .map(([a, b, c, pre]) => version(`${a}.${b}.${c}${pre.length === 0 ? "" : `-${pre.join(".")}`}`));
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(-compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe("isInRange", () => {
  it("says of all vectors what npm's semver says", () => {
    const ours = vectors.satisfies.map(([range, tried]) => {
      const [strict, all] = [false, true].map((withPreReleases) => {
        const parsed = parseVersionRange(String(range), withPreReleases);
        return parsed !== undefined && isInRange(parsed, version(String(tried)));
      });
      return [range, tried, strict, all];
    });
    expect(ours.filter((row, index) => String(row) !== String(vectors.satisfies[index]))).toEqual([]);
  });

  it.each(["latest", "^", "1.2.3.4", ">=a", "1 2 3 || x y", "^1.0.0 && 2", "1".repeat(300), "*||".repeat(20)])(
    "refuses %j",
    (text) => {
      expect(parseVersionRange(text, false)).toBeUndefined();
    },
  );

  it("reads or refuses anything, and throws at nothing", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("0123456789.x*^~<>= |-va+")) }),
        fc.boolean(),
        (text, all) => {
          const range = parseVersionRange(text, all);
          if (range !== undefined) expect(typeof isInRange(range, version("1.2.3"))).toBe("boolean");
          else expect(range).toBeUndefined();
        },
      ),
    );
  });
});
