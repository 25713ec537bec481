import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { requestReset } from "../../../src/slots/reset.ts";
import type { SlotWords } from "../../../src/slots/slot-words.ts";
import { EMPTY_JOURNAL } from "../../../src/upgrade/journal.ts";
import { readLastReset } from "../../../src/upgrade/io/last-reset.ts";
import { statusOf } from "../../../src/upgrade/status.ts";

function machine(slot: "a" | "b" | undefined, good: "a" | "b", learned?: string) {
  const done: unknown[] = [];
  const words: SlotWords = { good, try: undefined, reset: false, extra: "", unproven: undefined };
  const outside = {
    slots: {
      started: () => (slot === undefined ? undefined : { slot, isTrial: slot !== good }),
      words: () => Promise.resolve(words),
      change: (change: Partial<SlotWords>) => Promise.resolve(void done.push(change)),
    },
    readLearnedCa: () => Promise.resolve(learned),
    keepLearnedCa: (text: string) => Promise.resolve(void done.push(text)),
    writeRequest: (text: string) => Promise.resolve(void done.push(JSON.parse(text))),
    nowMs: () => 0,
  };
  return { outside, done };
}

describe("a reset", () => {
  it("is written down, and told to the boot loader last", async () => {
    const { outside, done } = machine("a", "a");
    await requestReset(outside, { powerOff: true });
    const request = { version: 1, askedAt: "1970-01-01T00:00:00.000Z", powerOff: true };
    expect(done).toEqual([request, { reset: true, try: undefined }]);
  });

  it("keeps what was learned of the operator's CA before it can happen, and does not happen where it cannot be kept", async () => {
    const { outside, done } = machine("a", "a", "the successor");
    await requestReset(outside, { powerOff: false });
    expect(done).toMatchObject(["the successor", { version: 1 }, { reset: true }]);
    const full = machine("a", "a", "the successor");
    const keepLearnedCa = (): Promise<void> => Promise.reject(new Error("no room"));
    await expect(requestReset({ ...full.outside, keepLearnedCa }, { powerOff: false })).rejects.toThrow("no room");
    expect(full.done).toEqual([]);
  });

  it("is refused on a slot that is on trial, and without slots", async () => {
    const trial = machine("b", "a");
    await expect(requestReset(trial.outside, { powerOff: false })).rejects.toMatchObject({
      code: "SLOT_BOOT_CHECK_FAILED",
    });
    const live = machine(undefined, "a");
    await expect(requestReset(live.outside, { powerOff: false })).rejects.toMatchObject({ code: "SLOT_NONE_HERE" });
    expect([...trial.done, ...live.done]).toEqual([]);
  });

  it("is told to the operator when it is done, as long as there was no upgrade since", () => {
    const folder = mkdtempSync(join(tmpdir(), "reset-"));
    try {
      expect(readLastReset(folder)).toBeUndefined();
      writeFileSync(join(folder, "reset.json"), '{"version":1,"askedAt":"2026-11-25T18:00:00.000Z","powerOff":false}');
      const idleMessage = readLastReset(folder);
      expect(statusOf(EMPTY_JOURNAL, "boot", { idleMessage })).toMatchObject({
        phase: "Idle",
        reason: undefined,
        message: "the reset that was asked for at 2026-11-25T18:00:00.000Z is done: the machine is as it was installed",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
