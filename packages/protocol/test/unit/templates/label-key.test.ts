import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { isLabelKey } from "../../../src/templates/index.ts";

describe("isLabelKey", () => {
  it.each([
    "rack",
    "R_1.a-b",
    "a".repeat(63),
    "example.com/rack",
    "a-b.c/x",
    `${"a".repeat(64)}.com/rack`,
    `${"a.".repeat(126)}a/${"n".repeat(63)}`,
  ])("takes %s", (key) => {
    expect(isLabelKey(key)).toBe(true);
  });

  it.each([
    "",
    "-rack",
    "rack.",
    "a".repeat(64),
    "/rack",
    "example.com/",
    "example..com/rack",
    "a-.b/x",
    "a.-b/x",
    ".a/x",
    "a./x",
    "Example.com/rack",
    "a/b/c",
    "rack\n",
    `${"a.".repeat(126)}ab/x`,
    "__proto__",
  ])("does not take %j", (key) => {
    expect(isLabelKey(key)).toBe(false);
  });

  it("takes no longer for a key that is made to take long", () => {
    const key = `${"a-".repeat(100_000)}/x`;
    expect(cpuMsOf(() => isLabelKey(key))).toBeLessThan(SOON_MS);
    expect(cpuMsOf(() => isLabelKey("a".repeat(200_000)))).toBeLessThan(SOON_MS);
  });
});
