/** How long a pod is in deletion, where the node's clock is not the API server's. */
import { describe, expect, it } from "vitest";

import { drain, pod } from "./drain.ts";

const HOUR_MS = 3_600_000;

describe.each([
  ["evicting", { disableEviction: false }],
  ["deleting", { disableEviction: true }],
])("a drain by %s", (_how, how) => {
  it("waits for what is still ending on a node whose clock is an hour ahead", async () => {
    const { report, cluster, tookMs } = await drain([pod("a", { endsAfterMs: 20_000 })], {
      clockAheadMs: -HOUR_MS,
      options: { ...how, skipWaitForDeleteTimeoutSeconds: 60 },
    });
    expect(report).toMatchObject({ removed: [{ name: "a" }], notAwaited: [] });
    expect(cluster.left).toEqual([]);
    expect(tookMs).toBeGreaterThan(20_000);
  });

  it("waits there for what was already ending when it began", async () => {
    const { report, cluster } = await drain([pod("a", { deletedAtMs: -10_000, endsAfterMs: 30_000 })], {
      clockAheadMs: -HOUR_MS,
      options: { ...how, skipWaitForDeleteTimeoutSeconds: 60 },
    });
    expect(report).toMatchObject({ removed: [{ name: "a" }], left: [] });
    expect(cluster.left).toEqual([]);
  });

  it("does not wait for what is stuck on a node whose clock is an hour behind", async () => {
    const stuck = { endsAfterMs: Infinity };
    const { report, tookMs } = await drain([pod("a", stuck), pod("b", { ...stuck, deletedAtMs: -20_000 })], {
      clockAheadMs: HOUR_MS,
      options: { ...how, skipWaitForDeleteTimeoutSeconds: 10, timeoutMs: 60_000 },
    });
    expect(report).toMatchObject({ removed: [], notAwaited: [{ name: "a" }], left: [{ name: "b" }] });
    expect(tookMs).toBeLessThan(15_000);
  });
});
