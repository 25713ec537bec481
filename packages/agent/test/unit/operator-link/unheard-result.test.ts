/** A result that the operator has not heard of, behind that of an upgrade by hand. */
import type { UpgradeStatus } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";

import { runStatusLoop, UnheardResult, type LinkOutside } from "../../../src/operator-link/index.ts";
import { EMPTY_JOURNAL, subjectOf, type Ended, type Journal, type Order } from "../../../src/upgrade/journal.ts";
import { startRun } from "../../../src/upgrade/journal-edits.ts";
import { statusOf } from "../../../src/upgrade/status.ts";
import { orderOf, planOf } from "../upgrade/machine-world.ts";
import { createVirtualTime } from "../upgrade/virtual-time.ts";

const GRANT = orderOf({ attempt: 7 });
const BY_HAND = { ...orderOf(), isByHand: true };
const never = new AbortController().signal;

function endedOf(order: Order, phase: Ended["phase"]): Ended {
  const rest = { reason: undefined, message: undefined, startedMs: 0, endedMs: 0, bootId: "boot-1" };
  return { subject: subjectOf(order), phase, ...rest };
}

const OVER: Journal = { ...EMPTY_JOURNAL, history: [endedOf(BY_HAND, "Succeeded"), endedOf(GRANT, "RolledBack")] };
const NOW = { wallMs: 0, uptimeMs: 0, bootId: "boot-1" };

/** What is told of a machine whose operator offers these attempts, each so many seconds after the start. */
async function told(offers: readonly (readonly [seconds: number, attempt: number])[], journal: Journal = OVER) {
  const time = createVirtualTime();
  const begunMs = time.uptimeMs;
  const outside: LinkOutside = {
    nowMs: () => time.uptimeMs,
    random: () => 0,
    sleep: (delayMs, signal) => time.sleep(delayMs, signal),
  };
  const unheard = new UnheardResult(outside);
  const seen: [seconds: number, attempt: number, phase: UpgradeStatus["phase"]][] = [];
  for (const [seconds, attempt] of offers) {
    void time.sleep(seconds * 1_000, never).then(() => unheard.offered(planOf({ attempt }), journal));
  }
  const over = new AbortController();
  void time.sleep(300_000, never).then(() => over.abort());
  const loop = runStatusLoop(
    outside,
    {
      status: () => statusOf(unheard.journal(journal), "boot-1"),
      tell: (word) => {
        seen.push([(time.uptimeMs - begunMs) / 1_000, word.attempt, word.phase]);
        unheard.heard(word);
        return Promise.resolve({ protocol: 2, holdsSlot: true, nextStatusInSeconds: 1_000 });
      },
      changed: (until) => unheard.changed(until),
      doubts: () => 0,
      onSlotLost: () => undefined,
      events: { onReached: () => undefined, onTrouble: () => undefined },
    },
    over.signal,
  );
  await time.until(loop);
  return seen;
}

describe("a result that the operator has not heard of", () => {
  const newest = (seconds: number) => [seconds, 0, "Succeeded"];
  const result = (seconds: number) => [seconds, 7, "RolledBack"];

  it("is told in place of a newer one, for as long as it takes to write down that the slot is back", async () => {
    expect(await told([[10, 7]])).toEqual([newest(0), result(10), newest(30)]);
  });

  it("is told again where the operator offers the plan once more, and nothing of it else", async () => {
    expect(
      await told([
        [10, 7],
        [70, 7],
      ]),
    ).toEqual([newest(0), result(10), newest(30), result(70), newest(90)]);
  });

  it.each([
    ["is another grant, of which nothing is known here", 8, OVER],
    ["is the one that has ended last", 7, { ...OVER, history: OVER.history.toReversed() }],
    ["has ended before what is under way", 7, startRun(OVER, BY_HAND, NOW)],
  ])("is none where what is offered %s", async (_what, attempt, journal) => {
    const { attempt: present, phase } = statusOf(journal, "boot-1");
    expect(await told([[10, attempt]], journal)).toEqual([[0, present, phase]]);
  });

  it("does not hide an upgrade that begins before it is told", () => {
    const unheard = new UnheardResult({ nowMs: () => 0, sleep: () => Promise.resolve() });
    unheard.offered(GRANT.plan, OVER);
    const underWay = startRun(OVER, BY_HAND, NOW);
    expect(statusOf(unheard.journal(OVER), "boot-1")).toMatchObject({ attempt: 7, phase: "RolledBack" });
    expect(unheard.journal(underWay)).toBe(underWay);
  });
});
