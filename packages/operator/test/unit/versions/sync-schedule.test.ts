/** How long a channel is left alone between two attempts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChannelError } from "../../../src/versions/errors.ts";
import { failed } from "../../../src/versions/channel-status.ts";
import { dueAtMs, pauseMs } from "../../../src/versions/sync-schedule.ts";
import { channelOf } from "./channel-of.ts";

const HOUR_MS = 3_600_000;
/** Also those that somebody has written by hand. */
const failureCount = fc.oneof(fc.nat(1_000), fc.integer(), fc.constantFrom(-(2 ** 63), 2 ** 53, 2 ** 63));

describe("the pause after an attempt", () => {
  it("is never longer than the interval, and never none", () => {
    fc.assert(
      fc.property(fc.integer({ min: 60_000, max: 30 * 24 * HOUR_MS }), failureCount, (intervalMs, failures) => {
        expect(pauseMs(intervalMs, failures)).toBeGreaterThanOrEqual(4_000);
        expect(pauseMs(intervalMs, failures)).toBeLessThanOrEqual(intervalMs);
      }),
    );
  });

  it("goes by failures that Kubernetes stores, whatever the status says of those before", () => {
    const error = new ChannelError("CHANNEL_INVALID", "x");
    fc.assert(
      fc.property(failureCount, (failures) => {
        const channel = channelOf({}, { status: { failedSynchronizationAttempts: failures } });
        const { failedSynchronizationAttempts: next = 0 } = failed(channel, error, 0, undefined);
        expect(next).toBeGreaterThan(0);
        expect(BigInt(JSON.stringify(next))).toBeLessThan(2n ** 63n);
      }),
    );
  });

  it("is over where the last one that looked could not read the channel", () => {
    const nowMs = Date.parse("2030-01-01T00:00:00Z");
    const status = { lastAttemptTime: "2030-01-01T00:00:00Z", syncedGeneration: 1 };
    const at = (reason: string): number => {
      const condition = { type: "Synced", status: "False", reason } as const;
      return dueAtMs(channelOf({}, { status: { ...status, conditions: [condition] } }), HOUR_MS, nowMs);
    };
    expect(at("Unreadable")).toBe(0);
    expect(at("InvalidConfiguration")).toBeGreaterThan(nowMs);
  });

  it("does not last for ever where a clock was set back", () => {
    const nowMs = Date.parse("2030-01-01T00:00:00Z");
    const status = { lastAttemptTime: "2040-01-01T00:00:00Z", syncedGeneration: 1 };
    expect(dueAtMs(channelOf({}, { status }), HOUR_MS, nowMs)).toBe(0);
  });
});
