/** What becomes of a slot by what its machine says, or does not say. */
import { describe, expect, it } from "vitest";
import { slotFate } from "../../../src/rollout/slot-fate.ts";
import type { Slot } from "../../../src/rollout/slot.ts";
import { machine, NOW_MS, PLAN, slotOf, type Upgrade } from "./slot-of.ts";

describe("a slot", () => {
  const timing = { nowMs: NOW_MS, nodeTimeoutMs: 600_000 };
  const fate = (upgrade: Partial<Upgrade> | undefined, more: Partial<Slot> = {}, isClaimed = true) => {
    const one = machine(0, "agent", upgrade);
    return slotFate(slotOf(one, 5, more), { kind: "known", machine: one, isClaimed }, "os", PLAN, timing);
  };
  const old = { grantedAt: new Date(NOW_MS - 3_600_000).toISOString() };

  it.each<[string, string, Partial<Upgrade> | undefined, Partial<Slot>]>([
    ["is kept while the machine has not begun", "kept", undefined, {}],
    ["is kept while it is under way", "kept", { attempt: 5, phase: "Draining" }, {}],
    ["is returned when it has succeeded", "returned", { attempt: 5, phase: "Succeeded" }, {}],
    ["is kept for what was said of another attempt", "kept", { attempt: 4, phase: "Succeeded" }, {}],
    ["is kept for what was said of another image", "kept", { attempt: 5, phase: "Failed", image: "other" }, {}],
    ["fails with the machine", "failed", { attempt: 5, phase: "Failed" }, {}],
    ["fails where it rolled back", "failed", { attempt: 5, phase: "RolledBack" }, {}],
    ["fails where somebody broke it off", "failed", { attempt: 5, phase: "Idle" }, {}],
    [
      "is returned where an old plan was broken off",
      "returned",
      { attempt: 5, phase: "Idle", plan: "old" },
      { plan: "old" },
    ],
    ["is returned where an old plan failed", "returned", { attempt: 5, phase: "Failed", plan: "old" }, { plan: "old" }],
    ["fails with a machine that never began", "failed", undefined, old],
    [
      "fails with a machine that is silent",
      "failed",
      { attempt: 5, phase: "Upgrading", heardMs: NOW_MS - 601_000, sinceMs: 0 },
      old,
    ],
    ["fails where it is under way for twice as long", "failed", { attempt: 5, phase: "Verifying" }, old],
    [
      "is kept while it is heard of",
      "kept",
      { attempt: 5, phase: "Verifying" },
      { grantedAt: new Date(NOW_MS - 1_100_000).toISOString() },
    ],
  ])("%s", (_, kind, upgrade, more) => {
    expect(fate(upgrade, more).kind).toBe(kind);
  });

  it("lasts no longer for a machine that was heard in a time to come, by a clock that was wrong", () => {
    const heardMs = NOW_MS + 30 * 24 * 3_600_000;
    const begun = { grantedAt: new Date(NOW_MS - 900_000).toISOString() };
    expect(fate({ attempt: 5, phase: "Draining", heardMs, sinceMs: heardMs }, begun)).toEqual({
      kind: "kept",
      untilMs: NOW_MS + 300_000,
    });
    expect(fate({ attempt: 5, phase: "Draining", heardMs, sinceMs: heardMs })).toEqual({
      kind: "kept",
      untilMs: NOW_MS + 600_000,
    });
  });

  it("is returned where the image is not for the machine any more, and it has not begun", () => {
    expect(fate(undefined, {}, false).kind).toBe("kept");
    expect(fate(undefined, old, false).kind).toBe("returned");
  });

  it("fails with the reason and the sentence of the machine, and remembers what was asked when it began", () => {
    const failed = fate(
      { attempt: 5, phase: "Failed", reason: "DRAIN_TIMEOUT", message: "x".repeat(1_000) },
      { retry: "2" },
    );
    expect(failed).toMatchObject({ failure: { reason: "DRAIN_TIMEOUT", retry: "2", attempt: 5 } });
    expect(failed.kind === "failed" && failed.failure.message?.length).toBe(256);
  });

  it("is returned with a machine that is gone, and kept for one that is not known yet", () => {
    const slot = slotOf(machine(0, "agent"), 5);
    expect(slotFate(slot, { kind: "gone" }, "os", PLAN, timing).kind).toBe("returned");
    expect(slotFate(slot, { kind: "unknown", goneAtMs: Number.POSITIVE_INFINITY }, "os", PLAN, timing).kind).toBe(
      "kept",
    );
  });
});
