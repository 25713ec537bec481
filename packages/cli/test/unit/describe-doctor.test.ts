/** The last line of a doctor's report says no more than was looked at. */
import type { Finding, Outcome } from "@rancheros/agent/doctor";
import { expect, it } from "vitest";

import { describeDoctor } from "../../src/describe-doctor.ts";

function lastLine(...outcomes: readonly Outcome[]): string | undefined {
  const findings = outcomes.map((outcome): Finding => ({ ...FINDING, outcome }));
  return describeDoctor(findings).trimEnd().split("\n").at(-1);
}

const FINDING: Finding = {
  check: "smbios",
  outcome: "ok",
  sentence: "x",
  code: undefined,
  mend: undefined,
  details: {},
  durationMs: 1,
};

it.each<readonly [string, readonly Outcome[]]>([
  ["All is well.", ["ok", "ok"]],
  ["Nothing failed; 1 ok, 2 skipped.", ["ok", "skipped", "skipped"]],
  ["Nothing was looked at, 2 skipped.", ["skipped", "skipped"]],
  ["Nothing failed; 1 to look at.", ["warn", "ok"]],
  ["Nothing failed; 1 to look at, 1 skipped.", ["warn", "skipped"]],
  ["1 failed, 1 to look at, 1 ok, 1 skipped.", ["fail", "warn", "ok", "skipped"]],
  ["1 failed, 0 to look at, 0 ok.", ["fail"]],
])("%s", (line, outcomes) => {
  expect(lastLine(...outcomes)).toBe(line);
});
