/** A phase of a newer operator: whatever it is, the machine is in the middle of its upgrade as far as anybody knows. */
import { expect, it } from "vitest";
import { rolloutFacts } from "../../../src/inventory/rollout-facts.ts";
import { isUnderWay } from "../../../src/rollout/machine-place.ts";
import { isBusy } from "../../../src/rollout/silence.ts";
import { slotFate } from "../../../src/rollout/slot-fate.ts";
import { machine, NOW_MS, PLAN, slotOf } from "../rollout/slot-of.ts";

const MINUTE_MS = 60_000;
const timing = { nowMs: NOW_MS, nodeTimeoutMs: 20 * MINUTE_MS };

function saying(phase: unknown) {
  const heard = new Date(NOW_MS - MINUTE_MS).toISOString();
  const upgrade = { image: "os", plan: PLAN, attempt: 5, phase, since: heard, heard };
  const known = machine(0, "agent");
  return { ...known, rollout: { ...known.rollout, ...rolloutFacts({ status: { upgrade } }) } };
}

it.each(["Rehearsing", "", 7])("%o keeps the machine's slot, and nobody begins beside it", (phase) => {
  const one = saying(phase);
  expect(isUnderWay(one)).toBe(true);
  expect(isBusy(one, NOW_MS, timing.nodeTimeoutMs)).toBe(true);
  // The image is not for it any more: who has not begun gives the slot back.
  const slot = slotOf(one, 5, { grantedAt: new Date(NOW_MS - 10 * MINUTE_MS).toISOString() });
  expect(slotFate(slot, { kind: "known", machine: one, isClaimed: false }, "os", PLAN, timing).kind).toBe("kept");
});

it("is lost like any other when the machine is silent", () => {
  const one = saying("Rehearsing");
  const later = { ...timing, nowMs: NOW_MS + 20 * MINUTE_MS };
  const holder = { kind: "known", machine: one, isClaimed: true } as const;
  expect(slotFate(slotOf(one, 5), holder, "os", PLAN, later).kind).toBe("failed");
});

it("is none where nothing is said of a phase", () => {
  for (const upgrade of [undefined, null, 7, {}, { image: "os" }]) {
    expect(rolloutFacts({ status: { upgrade } }).upgrade).toBeUndefined();
  }
});
