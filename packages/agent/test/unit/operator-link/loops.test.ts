/** The pace of the talk with the operator, in virtual time. */
import { describe, expect, it } from "vitest";
import { hasCode } from "@rancheros/protocol/errors";
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";

import {
  confirmSlot,
  runPlanLoop,
  runStatusLoop,
  SlotDoubt,
  type LinkOutside,
} from "../../../src/operator-link/index.ts";
import { planOf, trouble } from "../upgrade/machine-world.ts";
import { createVirtualTime, type VirtualTime } from "../upgrade/virtual-time.ts";

const NO_EVENTS = { onReached: () => undefined, onTrouble: () => undefined };
const never = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve()));

const outsideOf = (time: VirtualTime): LinkOutside => ({
  nowMs: () => time.uptimeMs,
  random: () => 0,
  sleep: (delayMs, signal) => time.sleep(delayMs, signal),
});

/** Runs a loop for so long. */
async function during(time: VirtualTime, ms: number, loop: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const over = new AbortController();
  const running = loop(over.signal);
  void time.sleep(ms, new AbortController().signal).then(() => over.abort());
  await time.until(running);
}

const STATUS: UpgradeStatus = {
  protocol: 2,
  plan: "a".repeat(64),
  image: "default-os-image",
  attempt: 3,
  phase: "Staging",
  digest: undefined,
  reason: undefined,
  message: "pulling",
  bootId: "b",
};

describe("the status", () => {
  async function told(status: () => UpgradeStatus, holdsSlot: boolean, ms: number) {
    const time = createVirtualTime();
    const begun = time.uptimeMs;
    const seen: [seconds: number, phase: string, message: string | undefined][] = [];
    const lost: unknown[] = [];
    await during(time, ms, (signal) =>
      runStatusLoop(
        outsideOf(time),
        {
          status,
          tell: (one) => {
            seen.push([(time.uptimeMs - begun) / 1000, one.phase, one.message]);
            return Promise.resolve({ protocol: 2, holdsSlot, nextStatusInSeconds: 60 });
          },
          changed: (until) => time.sleep(1_000, until),
          doubts: () => 0,
          onSlotLost: (...args) => lost.push(args),
          events: NO_EVENTS,
        },
        signal,
      ),
    );
    return { seen, lost };
  }

  it("is told again while a slot is held, and once where none is", async () => {
    expect((await told(() => STATUS, true, 150_000)).seen.map(([at]) => at)).toEqual([0, 60, 120]);
    const ended = { ...STATUS, phase: "Succeeded" } as const;
    expect((await told(() => ended, false, 600_000)).seen.map(([at]) => at)).toEqual([0]);
  });

  it("is told again while somebody upgrades by hand too: a machine that is silent counts as one that is back", async () => {
    const byHand = { ...STATUS, plan: undefined, image: undefined, attempt: 0 };
    const { seen, lost } = await told(() => byHand, false, 150_000);
    expect(seen.map(([at]) => at)).toEqual([0, 60, 120]);
    // There is none to lose.
    expect(lost).toEqual([]);
  });

  it("is told at once where the phase changes, and only now and then where the message does", async () => {
    let looks = 0;
    const { seen } = await told(
      () => {
        looks += 1;
        return { ...STATUS, phase: looks > 50 ? "Draining" : "Staging", message: `at ${looks}` };
      },
      true,
      70_000,
    );
    expect(seen.map(([, phase]) => phase)).toEqual(["Staging", "Staging", "Draining"]);
    expect(seen[1]?.[0]).toBe(30);
    expect(seen[2]?.[0]).toBeLessThan(60);
  });

  it("is told at once, though it is the same, where the slot has become doubtful", async () => {
    const time = createVirtualTime();
    const begun = time.uptimeMs;
    const doubt = new SlotDoubt();
    const seen: number[] = [];
    const doubts = async (): Promise<void> => {
      await time.sleep(10_500, new AbortController().signal);
      doubt.raise();
    };
    void doubts();
    await during(time, 80_000, (signal) =>
      runStatusLoop(
        outsideOf(time),
        {
          status: () => STATUS,
          tell: () => {
            seen.push((time.uptimeMs - begun) / 1000);
            return Promise.resolve({ protocol: 2, holdsSlot: true, nextStatusInSeconds: 60 });
          },
          changed: (until) => doubt.raised(until),
          doubts: () => doubt.count,
          onSlotLost: () => undefined,
          events: NO_EVENTS,
        },
        signal,
      ),
    );
    expect(seen).toEqual([0, 10.5, 70.5]);
  });

  it("whose answer says that the slot is lost tells of it", async () => {
    expect((await told(() => STATUS, false, 1_000)).lost).toEqual([[STATUS.plan, 3]]);
  });
});

describe("an operator that is away for a day", () => {
  it("is asked less and less often, but at least every minute, and for as long as it takes", async () => {
    const time = createVirtualTime();
    const asked: number[] = [];
    await during(time, 86_400_000, (signal) =>
      runPlanLoop(
        outsideOf(time),
        {
          ask: () => {
            asked.push(time.uptimeMs);
            return Promise.reject(trouble("TEST_AWAY", "away"));
          },
          onPlan: () => Promise.resolve(),
          onAnswer: () => Promise.resolve(),
          onUnreadable: () => Promise.resolve(),
          rested: never,
          events: NO_EVENTS,
        },
        signal,
      ),
    );
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    expect(asked.length).toBeLessThan(86_400 / 25);
  });

  it("holds up a node that waits for its word, until it is back or the time is over", async () => {
    const time = createVirtualTime();
    let isAway = true;
    const over = new AbortController();
    const tell = () =>
      isAway
        ? Promise.reject(trouble("TEST_AWAY", "away"))
        : Promise.resolve({ protocol: 2, holdsSlot: true, nextStatusInSeconds: 60 });
    const waiting = confirmSlot(outsideOf(time), tell, () => STATUS, over.signal);
    void time.sleep(300_000, over.signal).then(() => (isAway = false));
    await expect(time.until(waiting)).resolves.toBe("held");
    isAway = true;
    const late = confirmSlot(outsideOf(time), tell, () => STATUS, over.signal);
    void time.sleep(60_000, new AbortController().signal).then(() => over.abort());
    await expect(time.until(late)).rejects.toBeInstanceOf(Error);
  });
});

describe("the plan", () => {
  it("is asked for at the operator's pace and at once after a rest, and offered each time", async () => {
    const time = createVirtualTime();
    const begun = time.uptimeMs;
    const asked: number[] = [];
    let offers = 0;
    const answer = {
      protocol: 2,
      machine: { namespace: "f", name: "m", uid: "u" },
      plan: planOf(),
      waiting: undefined,
    };
    await during(time, 250_000, (signal) =>
      runPlanLoop(
        outsideOf(time),
        {
          ask: () => {
            asked.push((time.uptimeMs - begun) / 1000);
            return Promise.resolve({
              tagged: { answer: { ...answer, nextAskInSeconds: 100 }, etag: undefined },
              nextAskInSeconds: 100,
            });
          },
          onPlan: () => {
            offers += 1;
            return Promise.resolve();
          },
          onAnswer: () => Promise.resolve(),
          onUnreadable: () => Promise.resolve(),
          rested: (until) => (offers === 1 ? time.sleep(5_000, until) : never(until)),
          events: {
            onReached: () => undefined,
            onTrouble: (_what, error) => expect(hasCode(error, "none")).toBe(true),
          },
        },
        signal,
      ),
    );
    expect(asked).toEqual([0, 5, 105, 205]);
    expect(offers).toBe(4);
  });
});
