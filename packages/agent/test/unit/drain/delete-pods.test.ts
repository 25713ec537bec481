/** Deleting pods in place of evicting them, where the API server says no to one of them. */
import { describe, expect, it } from "vitest";

import { drain, pod } from "./drain.ts";

const DELETING = { disableEviction: true, timeoutMs: 60_000 };
/** After the list of the node's pods, and before the turn of the second one. */
const MEANWHILE_MS = 70;

describe("a drain that deletes", () => {
  it.each([
    ["here", true],
    ["on another node", false],
  ])("leaves alone what has come back %s, and goes on", async (_where, replacedHere) => {
    const moved = pod("b", { replacedAtMs: MEANWHILE_MS, replacedHere });
    const { report, cluster, events } = await drain([pod("a"), moved, pod("c")], { options: DELETING });
    expect(report?.removed.map(({ name }) => name).sort()).toEqual(["a", "c"]);
    expect(report?.absent.map(({ name }) => name)).toEqual(["b"]);
    expect(cluster.removed).toEqual(["uid-a", "uid-c"]);
    expect(events).toContainEqual({ kind: "gone", pod: { namespace: "ns", name: "b" }, how: "absent" });
    expect(events).not.toContainEqual({ kind: "waiting", pod: { namespace: "ns", name: "b" } });
  });

  it("needs no look at the node for each of many that have come back", async () => {
    const pods = Array.from({ length: 100 }, (_none, index) => pod(`p${index}`, { replacedAtMs: MEANWHILE_MS }));
    const { report, tookMs } = await drain(pods, { options: DELETING });
    expect(report?.absent).toHaveLength(100);
    expect(tookMs).toBeLessThan(5_000);
  });

  it.each([
    [403, "the webhook says no"],
    [409, "the webhook says not now"],
  ] as const)("ends where a webhook answers %d and the pod stays, as kubectl does", async (refusedWith, words) => {
    const moved = pod("b", { replacedAtMs: MEANWHILE_MS });
    const { error, cluster, tookMs } = await drain([pod("a"), moved, pod("c", { refusedWith }), pod("d")], {
      options: DELETING,
    });
    expect(error).toMatchObject({
      code: "DRAIN_FAILED",
      message: `unable to drain node "n1" due to error: ${words}`,
      pending: [{ name: "a" }, { name: "c" }, { name: "d" }],
    });
    expect(cluster.removed).toEqual(["uid-a"]);
    expect(tookMs).toBeLessThan(5_000);
  });

  it("names as pending only what is left where a deletion is refused, as kubectl does", async () => {
    const gone = pod("a", { endsAfterMs: 0 });
    const unknown = pod("b", { deletedAtMs: -1_000, endsAfterMs: 1_000 + MEANWHILE_MS });
    const { error, cluster, tookMs } = await drain([gone, unknown, pod("c", { refusedWith: 403 }), pod("d")], {
      options: DELETING,
    });
    expect(cluster.removed).toEqual(["uid-a"]);
    expect(error).toMatchObject({
      code: "DRAIN_FAILED",
      pending: [{ name: "c" }, { name: "d" }],
      details: { removed: 2, pending: "ns/c ns/d" },
    });
    expect(tookMs).toBeLessThan(5_000);
  });

  it.each([60_000, 0])("names as pending all of them where nobody can look (timeout %i ms)", async (timeoutMs) => {
    const { error, tookMs } = await drain([pod("a", { endsAfterMs: 0 }), pod("b", { refusedForGood: true })], {
      options: { ...DELETING, timeoutMs },
      away: [[110, Infinity]],
    });
    expect(error).toMatchObject({ code: "DRAIN_FAILED", pending: [{ name: "a" }, { name: "b" }] });
    expect(tookMs).toBeLessThan(5_000);
  });

  it.each([403, 409] as const)("waits for what is ending already, though %d is answered", async (refusedWith) => {
    const ending = pod("a", { refusedWith, deletedAtMs: -1_000, endsAfterMs: 20_000 });
    const { report, cluster, tookMs } = await drain([ending, pod("b")], { options: DELETING });
    expect(report?.removed.map(({ name }) => name).sort()).toEqual(["a", "b"]);
    expect(cluster.removed).toEqual(["uid-b"]);
    expect(tookMs).toBeGreaterThan(19_000);
  });

  it("goes on where what was refused has gone by the time of a look", async () => {
    const going = pod("b", { refusedWith: 403, deletedAtMs: -1_000, endsAfterMs: 1_110 });
    const { report } = await drain([pod("a"), going, pod("c")], { options: DELETING });
    expect(report).toMatchObject({ removed: [{ name: "a" }, { name: "c" }], absent: [{ name: "b" }] });
  });

  it("tells the refusal where nobody can look after the pod in time", async () => {
    const { error, tookMs } = await drain([pod("a", { refusedWith: 409 })], {
      options: DELETING,
      away: [[110, Infinity]],
    });
    expect(error).toMatchObject({ code: "DRAIN_FAILED", failures: [{ message: "the webhook says not now" }] });
    expect(tookMs).toBeLessThan(62_000);
  });
});
