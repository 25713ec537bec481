/** The course of a drain in virtual time; the real API server's part is in the integration tests. */
import { describe, expect, it } from "vitest";

import { drain, pod } from "./drain.ts";

describe("a drain", () => {
  it("evicts all pods, and ends when the last one is gone", async () => {
    const { report, cluster, tookMs } = await drain([pod("a"), pod("b", { endsAfterMs: 5_000 })]);
    expect(report?.removed.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(cluster.left).toEqual([]);
    expect(tookMs).toBeGreaterThan(5_000);
    expect(tookMs).toBeLessThan(6_500);
  });

  it("comes again where the API server asks for that before anything is evicted, ten times as kubectl does", async () => {
    const later = await drain([pod("a")], { busyTimes: 10 });
    expect(later.report?.removed).toHaveLength(1);
    expect(later.tookMs).toBeGreaterThan(10_000);
    const { error, cluster } = await drain([pod("a")], { busyTimes: 11 });
    expect(error).toMatchObject({ code: "NODE_API_BUSY" });
    expect(cluster.left).toEqual(["uid-a"]);
  });

  it("asks every 5 s for what a budget holds, and meanwhile goes on with the others", async () => {
    const { events, report, tookMs } = await drain([pod("a", { heldTimes: 3 }), pod("b")]);
    const blocked = events.filter(({ kind }) => kind === "blocked");
    expect(blocked).toHaveLength(3);
    expect(blocked[0]).toMatchObject({ pod: { namespace: "ns", name: "a" }, budget: "pdb" });
    expect(events.filter(({ kind }) => kind === "evicting").at(-1)).toMatchObject({ attempt: 4 });
    expect(report?.removed).toHaveLength(2);
    expect(tookMs).toBeGreaterThan(17_000);
    expect(tookMs).toBeLessThan(22_000);
  });

  it("gives up on what a budget holds when its time is over, and names pod and budget", async () => {
    const { error, tookMs, cluster } = await drain([pod("a", { heldTimes: 99 }), pod("b")], {
      options: { timeoutMs: 12_000 },
    });
    expect(error).toMatchObject({
      code: "DRAIN_TIMED_OUT",
      message:
        'unable to drain node "n1" due to error: error when evicting pods/"a" -n "ns": global timeout reached: 12s; ' +
        "held by the PodDisruptionBudget ns/pdb",
      pending: [{ namespace: "ns", name: "a" }],
      details: { removed: 1, budgets: "ns/pdb" },
    });
    expect(tookMs).toBeLessThan(13_500);
    expect(cluster.unschedulable).toBe(true);
  });

  it("gives up on a pod that does not end", async () => {
    const { error } = await drain([pod("a", { endsAfterMs: Infinity })], { options: { timeoutMs: 10_000 } });
    expect(error).toMatchObject({
      code: "DRAIN_TIMED_OUT",
      message:
        'unable to drain node "n1" due to error: error when waiting for pod "a" in namespace "ns" to terminate: context deadline exceeded',
    });
  });

  it("tells as kubectl does of each pod of many why it did not go; what a status may hold of them is bounded", async () => {
    const pods = Array.from({ length: 40 }, (_none, index) => pod(`p${index}`, { endsAfterMs: Infinity }));
    const { error } = await drain(pods, { options: { timeoutMs: 10_000 } });
    const each = pods.map(
      ({ name }) => `error when waiting for pod "${name}" in namespace "ns" to terminate: context deadline exceeded`,
    );
    expect(error).toMatchObject({
      message: `unable to drain node "n1" due to error: [${each.join(", ")}]`,
      details: { pending: expect.stringMatching(/^ns\/p0 .* ns\/p29 and 10 more$/) as string },
    });
  });

  it("does not wait for what is in deletion for longer than asked", async () => {
    const { report, events } = await drain([pod("a", { endsAfterMs: Infinity })], {
      options: { skipWaitForDeleteTimeoutSeconds: 5 },
    });
    expect(report?.notAwaited).toEqual([{ namespace: "ns", name: "a" }]);
    expect(events).toContainEqual({ kind: "not-awaited", pod: { namespace: "ns", name: "a" }, seconds: 5 });
  });

  it("takes a refusal for good as final for that pod, and goes on with the others", async () => {
    const { error, cluster } = await drain([
      pod("a", { refusedForGood: true }),
      pod("b"),
      pod("c", { refusedForGood: true }),
    ]);
    expect(error).toMatchObject({
      code: "DRAIN_FAILED",
      message:
        'unable to drain node "n1" due to error: [error when evicting pods/"a" -n "ns": more than one PodDisruptionBudget, ' +
        'error when evicting pods/"c" -n "ns": more than one PodDisruptionBudget]',
    });
    expect(cluster.left).toEqual(["uid-a", "uid-c"]);
  });

  it("leaves a pod alone that came under the name of one that it meant, here or on another node", async () => {
    for (const replacedHere of [true, false]) {
      const held = pod("a", { heldTimes: 99, replacedAtMs: 7_000, replacedHere });
      const { report, cluster, tookMs } = await drain([held]);
      expect(report).toMatchObject({ removed: [], absent: [{ namespace: "ns", name: "a" }] });
      expect(cluster.removed).toEqual([]);
      expect(tookMs).toBeLessThan(12_000);
    }
  });

  it("goes on when the API server comes back, and evicts nothing twice", async () => {
    const away = [[300, 120_000]] as const;
    const { report, cluster, events, tookMs } = await drain([pod("a"), pod("b", { heldTimes: 1 })], { away });
    expect(report?.removed).toHaveLength(2);
    expect(cluster.removed).toHaveLength(2);
    expect(events.some(({ kind }) => kind === "retry")).toBe(true);
    // It is away for 2 minutes: neither hammered nor forgotten.
    expect(events.filter(({ kind }) => kind === "retry").length).toBeLessThan(40);
    expect(tookMs).toBeLessThan(140_000);
  });

  it.each([false, true])(
    "waits on where a look at the node fails behind the API server (disableEviction %s)",
    async (disableEviction) => {
      const pods = [pod("a", { endsAfterMs: 9_000 }), pod("b", { endsAfterMs: 9_000 }), pod("c")];
      const { report, cluster, events } = await drain(pods, { failedLooks: [1, 3], options: { disableEviction } });
      expect(report?.removed.map(({ name }) => name).sort()).toEqual(["a", "b", "c"]);
      expect(cluster.removed.toSorted()).toEqual(["uid-a", "uid-b", "uid-c"]);
      expect(events.filter(({ kind }) => kind === "retry")).toMatchObject([
        { message: "etcdserver: leader changed" },
        { message: "etcdserver: leader changed" },
      ]);
    },
  );

  it.each([false, true])(
    "asks again where the removal of a pod fails behind the API server (disableEviction %s)",
    async (disableEviction) => {
      const pods = [pod("a", { failedTimes: 3 }), pod("b")];
      const { report, cluster, tookMs } = await drain(pods, { options: { disableEviction } });
      expect(report?.removed.map(({ name }) => name).sort()).toEqual(["a", "b"]);
      expect(cluster.removed.toSorted()).toEqual(["uid-a", "uid-b"]);
      expect(tookMs).toBeLessThan(10_000);
    },
  );

  it.each([false, true])(
    "waits by looks that the API server answers from its memory, however long it takes (disableEviction %s)",
    async (disableEviction) => {
      const pods = [pod("a", { endsAfterMs: 50_000 }), pod("b", disableEviction ? {} : { heldTimes: 9 })];
      const { cluster, report } = await drain(pods, { cacheBehindMs: 500, options: { disableEviction } });
      expect(report?.removed.map(({ name }) => name).sort()).toEqual(["a", "b"]);
      const looks = cluster.requests.filter(({ accept }) => accept?.includes("PartialObjectMetadataList"));
      const plain = looks.filter(({ query }) => query?.["resourceVersion"] === undefined);
      expect(looks.length).toBeGreaterThan(40);
      expect(plain.length).toBeLessThanOrEqual(2);
    },
  );

  it("looks by a plain list where another API server answers that has not come so far", async () => {
    const { cluster, report, events } = await drain([pod("a", { endsAfterMs: 9_000 })], { tooLargeTimes: 3 });
    expect(report?.removed).toHaveLength(1);
    expect(cluster.left).toEqual([]);
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([]);
  });

  it("gives up in time where each look at the node fails", async () => {
    const { error, tookMs } = await drain([pod("a")], {
      failedLooks: Array.from({ length: 100 }, (_none, index) => index + 1),
      options: { timeoutMs: 20_000 },
    });
    expect(error).toMatchObject({ code: "DRAIN_TIMED_OUT", retry: "backoff" });
    expect(tookMs).toBeLessThan(22_000);
  });

  it("does not evict again what was evicted by a request whose answer got lost", async () => {
    const { cluster, report } = await drain([pod("a", { lostAnswer: 1 })]);
    expect(cluster.removed).toEqual(["uid-a"]);
    expect(report?.removed).toHaveLength(1);
  });

  it("keeps to its time when the API server stays away", async () => {
    const { error, tookMs } = await drain([pod("a"), pod("b")], {
      away: [[300, Infinity]],
      options: { timeoutMs: 30_000 },
    });
    expect(error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
    expect(tookMs).toBeLessThan(32_000);
  });

  it("fails at once when the API server is away before anything was evicted, so that the caller can decide", async () => {
    const { error, events } = await drain([pod("a")], { away: [[0, Infinity]] });
    expect(error).toMatchObject({ code: "NODE_API_UNREACHABLE", retry: "backoff" });
    expect(events).toEqual([]);
  });

  it("asks for at most 16 evictions at one time, and lists the node for all who wait", async () => {
    const pods = Array.from({ length: 200 }, (_none, index) => pod(`p${index}`));
    const { cluster, report } = await drain(pods);
    expect(report?.removed).toHaveLength(200);
    expect(cluster.mostAtOneTime).toBeLessThanOrEqual(17);
    expect(cluster.requests.filter(({ path }) => path === "/api/v1/pods").length).toBeLessThan(8);
  });

  it("deletes in place of evicting where it is told to, or the API server knows no evictions", async () => {
    for (const circumstances of [{ options: { disableEviction: true } }, { evictionSupport: false }]) {
      const { cluster, events } = await drain([pod("a", { heldTimes: 99 }), pod("b")], circumstances);
      expect(cluster.removed).toEqual(["uid-a", "uid-b"]);
      expect(cluster.left).toEqual([]);
      expect(events.filter(({ kind }) => kind === "gone")).toMatchObject([{ how: "deleted" }, { how: "deleted" }]);
    }
  });

  it("that deletes stops at the first refusal, as kubectl does", async () => {
    const pods = [pod("a"), pod("b", { refusedForGood: true }), pod("c")];
    const { error, cluster } = await drain(pods, { options: { disableEviction: true } });
    expect(error).toMatchObject({
      code: "DRAIN_FAILED",
      message: 'unable to drain node "n1" due to error: more than one PodDisruptionBudget',
      pending: [{ name: "a" }, { name: "b" }, { name: "c" }],
    });
    expect(cluster.removed).toEqual(["uid-a"]);
  });

  it("that deletes has its time for the waiting", async () => {
    const { error, tookMs } = await drain([pod("a", { endsAfterMs: Infinity })], {
      options: { disableEviction: true, timeoutMs: 5_000 },
    });
    expect(error).toMatchObject({
      code: "DRAIN_TIMED_OUT",
      message: 'unable to drain node "n1" due to error: context deadline exceeded',
    });
    expect(tookMs).toBeLessThan(6_500);
  });

  it("that deletes asks for all pods however late the API server answers, as kubectl does", async () => {
    const { report } = await drain([pod("a"), pod("b"), pod("c")], {
      options: { disableEviction: true, timeoutMs: 5_000 },
      removalMs: 6_000,
    });
    expect(report?.removed.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("ends in time where an eviction stays without an answer", async () => {
    const { error, tookMs } = await drain([pod("a")], { options: { timeoutMs: 5_000 }, removalMs: 60_000 });
    expect(error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
    expect(tookMs).toBeLessThan(8_000);
  });

  it("knows its own cordon where the API server's answer got lost", async () => {
    const { report } = await drain([pod("a")], { losesCordon: true });
    expect(report?.cordoned).toBe(true);
  });

  it("knows its own cordon where the API server asked for it again and had done it by then", async () => {
    const { report, cluster } = await drain([pod("a")], { asksAgainForCordon: true });
    expect(cluster.requests.filter(({ method }) => method === "PATCH")).toHaveLength(2);
    expect(report?.cordoned).toBe(true);
  });

  it("takes nobody else's cordon for its own where that one was faster, even of the same name", async () => {
    const { report } = await drain([pod("a")], { othersAreFaster: true });
    expect(report?.cordoned).toBe(false);
  });

  it("sends the grace period only where one is given, and always the UID", async () => {
    const bodyOf = async (gracePeriodSeconds: number): Promise<unknown> => {
      const { cluster } = await drain([pod("a")], { options: { gracePeriodSeconds } });
      return cluster.requests.find(({ method }) => method === "POST")?.body;
    };
    const metadata = { name: "a", namespace: "ns" };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata };
    expect(await bodyOf(-1)).toEqual({ ...eviction, deleteOptions: { preconditions: { uid: "uid-a" } } });
    expect(await bodyOf(0)).toEqual({
      ...eviction,
      deleteOptions: { preconditions: { uid: "uid-a" }, gracePeriodSeconds: 0 },
    });
  });
});
