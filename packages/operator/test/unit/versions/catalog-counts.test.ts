/** What is shown of channels and versions to who watches the operator. */
import { describe, expect, it } from "vitest";
import { NO_LONGER_IN_SYNC_ANNOTATION, type ManagedOSVersion } from "@rancheros/protocol/resources";
import { channelCounts, versionCounts } from "../../../src/versions/catalog-counts.ts";
import { pauseMs } from "../../../src/versions/sync-schedule.ts";
import { channelOf } from "./channel-of.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const ago = (ms: number): string => new Date(NOW_MS - ms).toISOString();
const HOUR_MS = 3_600_000;

function synced(status: "True" | "False" | "Unknown") {
  return { type: "Synced", status, reason: "R", message: "", lastTransitionTime: ago(0) };
}

describe("channels", () => {
  const read = { lastSyncedTime: ago(HOUR_MS), lastAttemptTime: ago(HOUR_MS), syncedGeneration: 1 };

  it("are counted by what came of the last attempt", () => {
    const made = { metadata: { creationTimestamp: ago(60_000) } };
    const all = [
      channelOf({}, { ...made, status: { ...read, conditions: [synced("True")] } }),
      channelOf({}, { ...made, status: { ...read, conditions: [synced("False")] } }),
      channelOf({}, { ...made, status: { ...read, conditions: [synced("Unknown")] } }),
      channelOf({}, made),
      channelOf({ enabled: false }, { ...made, status: { ...read, conditions: [synced("True")] } }),
    ];
    expect(channelCounts(all, NOW_MS).states).toEqual({ synced: 1, failed: 1, waiting: 2, off: 1 });
    // Its pod is under way once more: no less broken than the moment before.
    const tried = { ...read, failedSynchronizationAttempts: 3, conditions: [synced("Unknown")] };
    expect(channelCounts([channelOf({}, { ...made, status: tried })], NOW_MS).states.failed).toBe(1);
    expect(channelCounts([], NOW_MS)).toEqual({
      states: { synced: 0, failed: 0, waiting: 0, off: 0 },
      ageMs: 0,
      overdueMs: 0,
    });
  });

  it("are as old as the one that was read least lately, and one that is off is none of them", () => {
    const young = channelOf({}, { status: { ...read, lastSyncedTime: ago(5_000) } });
    const old = channelOf({}, { status: { ...read, lastSyncedTime: ago(2 * HOUR_MS) } });
    const off = channelOf({ enabled: false }, { status: { ...read, lastSyncedTime: ago(9 * HOUR_MS) } });
    const never = channelOf({}, { metadata: { creationTimestamp: ago(3 * HOUR_MS) } });
    expect(channelCounts([young, old, off], NOW_MS).ageMs).toBe(2 * HOUR_MS);
    expect(channelCounts([young, old, never], NOW_MS).ageMs).toBe(3 * HOUR_MS);
  });

  it("are overdue by the interval and the failures that they have, never before", () => {
    const spec = { syncInterval: "1h" };
    const at = (agoMs: number, failures = 0) =>
      channelCounts(
        [
          channelOf(spec, {
            status: { ...read, lastAttemptTime: ago(agoMs), failedSynchronizationAttempts: failures },
          }),
        ],
        NOW_MS,
      ).overdueMs;
    expect(at(HOUR_MS)).toBe(0);
    expect(at(1.1 * HOUR_MS)).toBe(0);
    expect(Math.round(at(3 * HOUR_MS))).toBe(Math.round(1.9 * HOUR_MS));
    expect(at(1.1 * pauseMs(HOUR_MS, 2) + 7_000, 2)).toBeCloseTo(7_000, 3);
    const never = channelOf(spec, { metadata: { creationTimestamp: ago(90_000) } });
    expect(channelCounts([never], NOW_MS).overdueMs).toBe(90_000);
  });

  it("of no sense, or that are going, are not overdue", () => {
    const broken = channelOf({ options: {} }, { metadata: { creationTimestamp: ago(90_000) } });
    const going = channelOf({}, { metadata: { creationTimestamp: ago(90_000), deletionTimestamp: ago(0) } });
    const timeless = channelOf({}, { metadata: { creationTimestamp: "never" }, status: { lastAttemptTime: "never" } });
    expect(channelCounts([broken, going, timeless], NOW_MS).overdueMs).toBe(0);
  });
});

it("versions are counted by whether machines can go to them, and whether their channel has them", () => {
  const version = (usable: "True" | "False" | undefined, annotations = {}): ManagedOSVersion => ({
    metadata: { name: "v", namespace: "n", uid: "u", resourceVersion: "1", annotations },
    spec: { version: "v1.0.0" },
    ...(usable === undefined ? {} : { status: { conditions: [{ ...synced(usable), type: "Usable" }] } }),
  });
  const gone = { [NO_LONGER_IN_SYNC_ANNOTATION]: "true" };
  const all = [version("True"), version(undefined), version("False"), version("True", gone), version("False", gone)];
  expect(versionCounts(all)).toEqual({ usable: 2, unusable: 1, out_of_sync: 2 });
});
