/** Upgrades after a journal that was broken: whatever it said of the node's cordon is asked of the node's API server. */
import { describe, expect, it } from "vitest";

import { EMPTY_JOURNAL } from "../../../src/upgrade/journal.ts";
import { finish, decideEnding, startRun } from "../../../src/upgrade/journal-edits.ts";
import { statusOf } from "../../../src/upgrade/status.ts";
import { ended } from "./ended-upgrade.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf } from "./machine-world.ts";

const CORDONED = { unschedulable: true, ready: true, bootId: "boot-1", exists: true };

describe("after a journal that broke while the node was cordoned for an upgrade", () => {
  it("the next one takes the cordon away", async () => {
    const life = createLife(createWorld({ disk: "{", node: CORDONED, isCordonOurs: true }));
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
    expect(life.world.node.unschedulable).toBe(false);
  });

  it.each([
    ["has begun", true],
    ["begins", false],
  ])("the next one does so although the agent is started again after it %s", async (_when, hasOrder) => {
    const life = createLife(createWorld({ disk: "{", node: CORDONED, isCordonOurs: true }));
    let isKilled = false;
    life.onPoint = (point) => {
      if (isKilled || point !== "step:before") return undefined;
      isKilled = true;
      return "kill";
    };
    if (!hasOrder) await live(life, undefined);
    await live(life, orderOf());
    expect(life.upgrades?.brokenJournal === undefined).toBe(true);
    expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
    expect(life.world.node.unschedulable).toBe(false);
  });

  it("the next one does so although the new journal found no room, and the agent is started again", async () => {
    const life = createLife(createWorld({ disk: "{", node: CORDONED, isCordonOurs: true, fullDiskWrites: 1 }));
    await live(life, undefined);
    expect(life.upgrades?.brokenJournal).toMatchObject({ code: "UPGRADE_JOURNAL_BROKEN" });
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
    expect(life.world.node.unschedulable).toBe(false);
  });

  it("an upgrade that finds all done, and drains nothing, takes it away too", async () => {
    const life = createLife(createWorld({ disk: "{", node: CORDONED, isCordonOurs: true }));
    await live(life, orderOf({ cordon: false, drain: undefined }));
    expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
    expect(life.world.node.unschedulable).toBe(false);
  });

  it("somebody else's cordon stays", async () => {
    const life = createLife(createWorld({ disk: "{", node: CORDONED }));
    await live(life, orderOf());
    expect(ended(life.world)).toMatchObject({ phase: "Succeeded", journal: { cordon: "none" } });
    expect(life.world.node.unschedulable).toBe(true);
    expect(life.world.events).not.toContain("uncordon");
  });
});

describe("that the journal was broken", () => {
  const NOW = { wallMs: Date.UTC(2026, 0, 1), bootId: "boot-1", uptimeMs: 1_000 };
  const brokenJournal = { code: "UPGRADE_JOURNAL_BROKEN", message: "no JSON; it is kept as /x" };
  const run = startRun(EMPTY_JOURNAL, orderOf(), NOW);
  const said = { ...run, run: run.run === undefined ? undefined : { ...run.run, message: "pulling" } };
  const over = (phase: "Succeeded" | "Failed", reason?: { code: string; message: string }) => {
    const ending = { phase, reason, message: "done", keepsCordon: false, blamesImage: false };
    return finish({ ...run, run: run.run === undefined ? undefined : { ...run.run, phase: "Verifying", ending } }, NOW);
  };

  it("is told at rest, and beside what an upgrade says", () => {
    const word = (journal: typeof run, trouble?: typeof brokenJournal) => {
      const { phase, reason, message } = statusOf(journal, "boot-1", { brokenJournal, trouble });
      return { phase, reason, message };
    };
    const { code: reason } = brokenJournal;
    const also = "; no JSON; it is kept as /x (UPGRADE_JOURNAL_BROKEN)";
    expect(word(EMPTY_JOURNAL)).toEqual({ phase: "Idle", reason, message: brokenJournal.message });
    expect(word(run)).toEqual({ phase: "Granted", reason, message: brokenJournal.message });
    expect(word(said)).toEqual({ phase: "Granted", reason, message: `pulling${also}` });
    expect(word(said, { code: "TEST_AWAY", message: "away" })).toEqual({
      phase: "Granted",
      reason: "TEST_AWAY",
      message: `away${also}`,
    });
    expect(word(over("Succeeded"))).toEqual({ phase: "Succeeded", reason, message: `done${also}` });
    expect(word(over("Failed", { code: "TEST_AWAY", message: "away" }))).toEqual({
      phase: "Failed",
      reason: "TEST_AWAY",
      message: `away${also}`,
    });
    const long = statusOf(
      decideEnding(run, { ...FAILED, reason: { code: "TEST_AWAY", message: "x".repeat(5_000) } }, NOW),
      "boot-1",
      { brokenJournal },
    );
    expect(long.message).toMatch(/^xxx.*x; no JSON; it is kept as \/x \(UPGRADE_JOURNAL_BROKEN\)$/);
  });
});

const FAILED = { phase: "Failed", message: undefined, keepsCordon: false, blamesImage: false } as const;
