/** A result that the operator could not be told before the machine was started again. */
import { EMPTY_JOURNAL } from "../../../src/upgrade/journal.ts";
import { decideEnding, enter, finish, startRun } from "../../../src/upgrade/journal-edits.ts";
import { writeJournal } from "../../../src/upgrade/read-journal.ts";
import { expect, it } from "vitest";

import { orderOf } from "../../unit/upgrade/machine-world.ts";
import { operatorOf, startAgent } from "./daemon-on-folder.ts";

const ORDER = orderOf({ cordon: false, drain: undefined, attempt: 7 });

/** Of a machine that runs the new operating system, and has only to look at itself. */
function verifying(): string {
  const now = { wallMs: Date.now(), bootId: "boot-1", uptimeMs: 1_000 };
  const switched = { bootId: "boot-1", startedFrom: "active", rebootRequests: 1, runs: 2, boots: 1 } as const;
  const phases = ["Staging", "Upgrading", "Rebooting", "Verifying"] as const;
  const note = { switched: { ...switched, isConfirmed: true, runsOld: false } };
  const run = phases.reduce((journal, phase) => enter(journal, phase, now, note), startRun(EMPTY_JOURNAL, ORDER, now));
  return writeJournal(run);
}

it("is told by the agent of the next start, and the upgrade is not begun again", async () => {
  let isAway = true;
  const operator = operatorOf({ plan: ORDER.plan, nextAskInSeconds: 1 }, () => isAway);
  const first = startAgent(operator.keeper, verifying());
  await expect.poll(async () => (await first.state()).phase, { timeout: 10_000 }).toBe("Succeeded");
  await first.end();
  expect(operator.told).toEqual([]);
  const journal = first.journal();

  const second = startAgent(operator.keeper, undefined, { folder: first.folder, bootId: "boot-2" });
  await expect.poll(() => second.log.join("\n"), { timeout: 10_000 }).toContain("nobody answers");
  isAway = false;
  const { id: plan, image, attempt } = ORDER.plan;
  const result = { plan, image, attempt, phase: "Succeeded", bootId: "boot-2" };
  await expect.poll(() => operator.told.at(-1), { timeout: 10_000 }).toMatchObject(result);
  // The slot is still its own where the operator looks, and so the same plan comes again.
  await expect.poll(() => operator.asked, { timeout: 10_000 }).toBeGreaterThan(1);
  await second.end();
  expect(operator.told.map(({ phase }) => phase)).toEqual(["Succeeded"]);
  expect(second.journal()).toBe(journal);
});

it("is told also where somebody has upgraded by hand since, as the operator offers the plan that has ended", async () => {
  const now = { wallMs: Date.now(), bootId: "boot-1", uptimeMs: 1_000 };
  const ending = {
    phase: "Failed",
    reason: undefined,
    message: "said so",
    keepsCordon: false,
    blamesImage: false,
  } as const;
  const over = [ORDER, { ...orderOf(), isByHand: true }].reduce(
    (journal, order) => finish(decideEnding(startRun(journal, order, now), ending, now), now),
    EMPTY_JOURNAL,
  );
  const { id: plan, image, attempt } = ORDER.plan;
  const told = (): boolean => operator.told.some((word) => word["plan"] === plan);
  const operator = operatorOf({
    // The slot is its own until the operator hears of the end.
    get plan() {
      return told() ? undefined : ORDER.plan;
    },
    nextAskInSeconds: 1,
  });
  const agent = startAgent(operator.keeper, writeJournal(over));
  await expect.poll(told, { timeout: 10_000 }).toBe(true);
  await agent.end();
  expect(operator.told.at(0)).toMatchObject({ attempt: 0, phase: "Failed" });
  expect(operator.told.at(-1)).toMatchObject({ plan, image, attempt, phase: "Failed", message: "said so" });
  expect(agent.journal()).toBe(writeJournal(over));
});
