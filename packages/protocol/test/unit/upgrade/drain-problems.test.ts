/** The drain of a message is what its schema says, though the schema library is not asked. */
import { assert, constantFrom, dictionary, jsonValue, oneof, property, record, string } from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { drain } from "@rancheros/protocol/resources";

import { drainProblems } from "../../../src/upgrade/drain-problems.ts";

const SCHEMA = Compile(drain);
const VALUES = [
  true,
  false,
  null,
  0,
  -1,
  -2,
  1.5,
  300,
  "5m",
  "1h30m",
  "-1",
  "",
  "x".repeat(65),
  "5",
  {},
  [],
  "0",
] as const;
const some = oneof(constantFrom<unknown>(...VALUES), jsonValue());
const selector = record(
  {
    matchLabels: oneof(dictionary(string(), oneof(string(), constantFrom(null)), { maxKeys: 2 }), some),
    matchExpressions: oneof(
      record({ key: some, operator: oneof(constantFrom("In", "Exists", "Near"), some), values: some }).map((one) => [
        one,
      ]),
      some,
    ),
  },
  { requiredKeys: [] },
);
const drains = record(
  {
    timeout: some,
    gracePeriod: some,
    deleteLocalData: some,
    ignoreDaemonSets: some,
    force: some,
    disableEviction: some,
    skipWaitForDeleteTimeout: some,
    podSelector: oneof(selector, some),
    other: some,
  },
  { requiredKeys: [] },
);

describe("a drain in a message", () => {
  it("is taken where its schema takes it, and nowhere else", () => {
    let taken = 0;
    assert(
      property(oneof(drains, some), (value) => {
        const isDrain = SCHEMA.Check(value);
        taken += Number(isDrain);
        expect(drainProblems(value).length === 0).toBe(isDrain);
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });
});
