/** How long a channel is left alone between two attempts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueAtMs, pauseMs } from "../../../src/versions/sync-schedule.ts";
import { channelOf } from "./channel-of.ts";

const HOUR_MS = 3_600_000;

describe("the pause after an attempt", () => {
  it("is never longer than the interval, and never none", () => {
    fc.assert(
      fc.property(fc.integer({ min: 60_000, max: 30 * 24 * HOUR_MS }), fc.nat(1_000), (intervalMs, failures) => {
        expect(pauseMs(intervalMs, failures)).toBeGreaterThanOrEqual(4_000);
        expect(pauseMs(intervalMs, failures)).toBeLessThanOrEqual(intervalMs);
      }),
    );
  });

  it("does not last for ever where a clock was set back", () => {
    const nowMs = Date.parse("2030-01-01T00:00:00Z");
    const status = { lastAttemptTime: "2040-01-01T00:00:00Z", syncedGeneration: 1 };
    expect(dueAtMs(channelOf({}, { status }), HOUR_MS, nowMs)).toBe(0);
  });
});
