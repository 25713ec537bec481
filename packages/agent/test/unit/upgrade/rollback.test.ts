/** Going back by hand: what the boot loader is told, and what the journal keeps of it. */
import { describe, expect, it } from "vitest";

import { freshSlotWords, readSlotWords } from "../../../src/slots/slot-words.ts";
import { machineSlots, type SlotsOutside } from "../../../src/slots/machine-slots.ts";
import { EMPTY_JOURNAL, subjectOf, type Journal } from "../../../src/upgrade/journal.ts";
import { noteRollback } from "../../../src/upgrade/rollback.ts";
import { rollbackSlots } from "../../../src/upgrade/system-slots.ts";
import { orderOf } from "./machine-world.ts";

const NOW = { wallMs: Date.UTC(2026, 0, 1), bootId: "boot-1", uptimeMs: 1_000 };

function upgraded(before: Journal): Journal {
  const order = orderOf({});
  const ended = { reason: undefined, message: undefined, startedMs: 0, endedMs: 0, bootId: NOW.bootId };
  const succeeded = { ...ended, subject: subjectOf(order), phase: "Succeeded" } as const;
  return { ...before, history: [succeeded, ...before.history] };
}

describe("a rollback by hand", () => {
  it("has the other slot tried, and leaves it to its boot check to make it good", async () => {
    let words = freshSlotWords({ good: "a", try: undefined, reset: false, extra: "" });
    const not = (): never => {
      throw new Error("not for a rollback");
    };
    const outside: SlotsOutside = {
      commandLine: () => "rancheros.slot=a",
      readWords: () => Promise.resolve(words),
      async writeWords(next) {
        words = next;
        await Promise.resolve();
      },
      readStamp: () => Promise.resolve({ version: 1, reference: "r", digest: undefined, writtenAt: "", files: 1 }),
      openDisk: not,
      readBootCheck: not,
      arch: "x64",
    };
    const port = rollbackSlots(machineSlots(outside));
    const entry = await port.other();
    expect(entry).toBe("slot b");
    await port.startNext(entry);
    expect(readSlotWords(words)).toMatchObject({ good: "a", try: "b" });
  });

  it("is one ending in the history, however often it is asked for", () => {
    const once = noteRollback(upgraded(EMPTY_JOURNAL), NOW);
    expect(once.history.map(({ phase }) => phase)).toEqual(["RolledBack", "Succeeded"]);
    expect(noteRollback(once, { ...NOW, wallMs: NOW.wallMs + 1 })).toEqual(once);
    const again = noteRollback(upgraded(once), NOW);
    expect(again.history.map(({ phase }) => phase)).toEqual(["RolledBack", "Succeeded", "RolledBack", "Succeeded"]);
  });
});
