/** When a machine's turn may come, by the slots of its cluster and what others took. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Slot } from "../../../src/rollout/slot.ts";
import { TurnTimes } from "../../../src/rollout/turn-times.ts";

const START_MS = Date.parse("2026-05-04T08:00:00Z");
const PLAN = "a".repeat(64);
const MINUTE_MS = 60_000;

/** @param afterSeconds  when it was granted */
function slot(uid: string, afterSeconds: number, more: Partial<Slot> = {}): readonly [string, Slot] {
  const grantedAt = new Date(START_MS + afterSeconds * 1000).toISOString();
  return [uid, { uid, machine: uid, cluster: "c", plan: PLAN, attempt: 1, grantedAt, ...more }];
}

const image = { plan: PLAN, slots: new Map([slot("late", 30), slot("early", 0), slot("other", 0, { cluster: "d" })]) };
let times: TurnTimes;

beforeEach(() => {
  times = new TurnTimes();
});

function comesThrough(uid: string, afterMs: number): void {
  times.note({ machine: { metadata: { uid } }, outcome: "done", claims: [image] }, START_MS + afterMs);
}

function secondsUntil(rank: number, afterMs: number, limit = 2): number | undefined {
  return times.secondsUntil(image, { cluster: "c", rank, limit }, START_MS + afterMs);
}

describe("the turn of a machine", () => {
  it("is not known before one has come through, unless a slot is free", () => {
    expect(secondsUntil(0, MINUTE_MS)).toBeUndefined();
    expect([secondsUntil(0, 0, 3), secondsUntil(1, 0, 3)]).toEqual([0, undefined]);
  });

  it("comes when a slot of its cluster has been held as long as the shortest was, the earliest first", () => {
    comesThrough("early", 3 * MINUTE_MS);
    comesThrough("late", 2.5 * MINUTE_MS);
    comesThrough("early", 4 * MINUTE_MS);
    expect([0, 1, 2].map((rank) => secondsUntil(rank, MINUTE_MS))).toEqual([60, 90, undefined]);
    expect(secondsUntil(0, 10 * MINUTE_MS)).toBe(0);
  });

  it("is not told by a machine without a slot, that has another plan's, or that is not through", () => {
    comesThrough("nobody", MINUTE_MS);
    times.note({ machine: { metadata: { uid: "early" } }, outcome: "open", claims: [image] }, START_MS + MINUTE_MS);
    const earlier = { plan: PLAN, slots: new Map([slot("early", 0, { plan: "b".repeat(64) })]) };
    times.note({ machine: { metadata: { uid: "early" } }, outcome: "done", claims: [earlier] }, START_MS + MINUTE_MS);
    const of = { cluster: "c", rank: 0, limit: 1 };
    expect([image, earlier].map((one) => times.secondsUntil(one, of, START_MS + MINUTE_MS))).toEqual([
      undefined,
      undefined,
    ]);
  });
});
