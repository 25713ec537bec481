import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DEFAULT_DRAIN_OPTIONS, drainOptions } from "../../../src/drain/drain-options.ts";
import { goDuration } from "../../../src/drain/go-duration.ts";
import { durationMs } from "@rancheros/protocol/durations";

describe("spec.drain", () => {
  it("is kubectl's defaults where it says nothing", () => {
    expect(drainOptions({})).toEqual(DEFAULT_DRAIN_OPTIONS);
    expect(drainOptions({ deleteLocalData: null, ignoreDaemonSets: null, podSelector: null })).toEqual(
      DEFAULT_DRAIN_OPTIONS,
    );
    // As `kubectl drain --help` prints them.
    expect(DEFAULT_DRAIN_OPTIONS).toEqual({
      timeoutMs: 0,
      gracePeriodSeconds: -1,
      deleteEmptyDirData: false,
      ignoreDaemonSets: false,
      force: false,
      disableEviction: false,
      skipWaitForDeleteTimeoutSeconds: 0,
      podSelector: "",
    });
  });

  it("of the operator document is understood", () => {
    const spec = {
      timeout: "5m",
      gracePeriod: "5m",
      deleteLocalData: false,
      ignoreDaemonSets: true,
      force: false,
      disableEviction: false,
      skipWaitForDeleteTimeout: 5,
    };
    expect(drainOptions(spec)).toEqual({
      ...DEFAULT_DRAIN_OPTIONS,
      timeoutMs: 300_000,
      gracePeriodSeconds: 300,
      ignoreDaemonSets: true,
      skipWaitForDeleteTimeoutSeconds: 5,
    });
  });

  it("takes -1 as number and as text, 0, nanoseconds, and rounds up to whole seconds", () => {
    expect(drainOptions({ gracePeriod: -1 }).gracePeriodSeconds).toBe(-1);
    expect(drainOptions({ gracePeriod: "-1" }).gracePeriodSeconds).toBe(-1);
    expect(drainOptions({ gracePeriod: 0 }).gracePeriodSeconds).toBe(0);
    expect(drainOptions({ gracePeriod: "1500ms" }).gracePeriodSeconds).toBe(2);
    expect(drainOptions({ timeout: 300_000_000_000 }).timeoutMs).toBe(300_000);
    expect(drainOptions({ skipWaitForDeleteTimeout: "1ms" }).skipWaitForDeleteTimeoutSeconds).toBe(1);
  });

  it("gives the selector as text", () => {
    const podSelector = {
      matchLabels: { app: "x", "example.com/tier": "", worker: null },
      matchExpressions: [
        { key: "a", operator: "In", values: ["1", "2"] },
        { key: "b", operator: "NotIn", values: ["3"] },
        { key: "c", operator: "Exists" },
        { key: "d", operator: "DoesNotExist", values: null },
      ],
    };
    expect(drainOptions({ podSelector }).podSelector).toBe(
      "app=x,example.com/tier=,worker=,a in (1,2),b notin (3),c,!d",
    );
  });

  it("has all its bad fields named", () => {
    const bad = {
      timeout: "soon",
      gracePeriod: -2,
      podSelector: {
        matchLabels: { "no key!": "x", k: "no value," },
        matchExpressions: [
          { key: "a", operator: "In", values: [] },
          { key: "b", operator: "Exists", values: ["x"] },
          { key: "c", operator: "Like" },
          { key: "d", operator: "In", values: ["x),y in (z"] },
        ],
      },
    };
    expect(() => drainOptions(bad)).toThrow(
      expect.objectContaining({
        code: "DRAIN_OPTIONS_INVALID",
        message: [
          "drain.gracePeriod is no duration such as 5m or 1h30m, and no number of seconds",
          "drain.timeout is no duration such as 5m or 1h30m, and no number of seconds",
          "drain.podSelector.matchLabels has a key that is no label key",
          "drain.podSelector.matchLabels[k] is no label value",
          "drain.podSelector.matchExpressions[0].values is empty, which In does not allow",
          "drain.podSelector.matchExpressions[1].values is not empty, which Exists does not allow",
          "drain.podSelector.matchExpressions[2].operator is none of In, NotIn, Exists, DoesNotExist",
          "drain.podSelector.matchExpressions[3].values has one that is no label value",
        ].join("; "),
      }),
    );
  });
});

describe("a duration in kubectl's messages", () => {
  // Printed by Go 1.26, time.Duration.String.
  it.each([
    [0, "0s"],
    [0.0005, "500ns"],
    [0.5, "500µs"],
    [1, "1ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [1234.5, "1.2345s"],
    [59_999, "59.999s"],
    [60_000, "1m0s"],
    [90_000, "1m30s"],
    [3_600_000, "1h0m0s"],
    [3_661_001, "1h1m1.001s"],
    [86_400_000, "24h0m0s"],
  ])("of %d ms is %s", (milliseconds, text) => {
    expect(goDuration(milliseconds)).toBe(text);
  });

  it("is read back as the same", () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 9 }), (milliseconds) => {
        expect(durationMs(goDuration(milliseconds))).toBeCloseTo(milliseconds, 6);
      }),
    );
  });
});
