/** Going back by hand: what the boot loader is told, and what the journal keeps of it. */
import { describe, expect, it } from "vitest";

import { SlotError } from "../../../src/slots/errors.ts";
import { machineSlots, type MachineSlots, type SlotsOutside } from "../../../src/slots/machine-slots.ts";
import type { SlotName } from "../../../src/slots/slot.ts";
import { freshSlotWords, readSlotWords, type SlotWords } from "../../../src/slots/slot-words.ts";
import { EMPTY_JOURNAL, subjectOf, type Journal } from "../../../src/upgrade/journal.ts";
import { askRollback, callOffRollback, forgetRollback } from "../../../src/upgrade/rollback.ts";
import { rollbackSlots, systemSlots } from "../../../src/upgrade/system-slots.ts";
import { orderOf } from "./machine-world.ts";

const NOW = { wallMs: Date.UTC(2026, 0, 1), bootId: "boot-1", uptimeMs: 1_000 };

function upgraded(before: Journal): Journal {
  const order = orderOf({});
  const ended = { reason: undefined, message: undefined, startedMs: 0, endedMs: 0, bootId: NOW.bootId };
  const succeeded = { ...ended, subject: subjectOf(order), phase: "Succeeded" } as const;
  return { ...before, history: [succeeded, ...before.history] };
}

/** A machine in slot a, and GRUB's words as they are. Its disk takes nothing: what is written is broken off at once. */
function machineIn(
  good: SlotName,
  sync: () => void = () => undefined,
  prepare = (): Promise<void> => Promise.resolve(),
): { readonly slots: MachineSlots; readonly words: () => SlotWords } {
  let words = freshSlotWords({ good, try: undefined, reset: false, extra: "", unproven: undefined });
  const not = (): never => {
    throw new Error("not for a rollback");
  };
  const outside: SlotsOutside = {
    commandLine: () => "rancheros.slot=a",
    readWords: () => Promise.resolve(words),
    async writeWords(next) {
      words = next;
      await Promise.resolve();
      sync();
    },
    alone: (work) => work(),
    stateRoom: () => Promise.resolve(undefined),
    readStamp: () => Promise.resolve({ version: 1, reference: "r", digest: undefined, writtenAt: "", files: 1 }),
    openDisk: () => ({
      look: { kind: not, head: not },
      prepare,
      isAsPrepared: () => Promise.resolve(false),
      format: () => Promise.reject(new Error("the disk takes nothing")),
      makeFolders: not,
      sync: not,
      readBack: not,
      stamp: not,
      close: () => Promise.resolve(),
    }),
    readBootCheck: not,
    arch: "x64",
  };
  return { slots: machineSlots(outside), words: () => readSlotWords(words) };
}

describe("a rollback by hand", () => {
  it("has the other slot tried, and leaves it to its boot check to make it good", async () => {
    const { slots, words } = machineIn("a");
    const port = rollbackSlots(slots);
    const entry = await port.other();
    expect(entry).toBe("slot b");
    await port.startNext(entry);
    expect(words()).toMatchObject({ good: "a", try: "b" });
  });

  it("stays asked for where it comes while the boot check of this start still looks", async () => {
    const { slots, words } = machineIn("b");
    const port = rollbackSlots(slots);
    await port.startNext(await port.other());
    await slots.markGood("a");
    expect(words()).toMatchObject({ good: "a", try: "b" });
    await slots.markGood("b");
    expect(words()).toMatchObject({ good: "b", try: undefined });
  });

  it("is refused while a reset is to come, and so is an upgrade: neither start would wipe the machine, and a later one would", async () => {
    const { slots, words } = machineIn("a");
    await slots.change({ reset: true, try: undefined });
    const pending = { code: "SLOT_RESET_PENDING", retry: "backoff" };
    await expect(rollbackSlots(slots).startNext("slot b")).rejects.toMatchObject(pending);
    const source = { digest: undefined, reference: "r", layers: [] };
    const { signal } = new AbortController();
    await expect(slots.write({ source, signal, onProgress: () => undefined })).rejects.toMatchObject(pending);
    expect(words()).toMatchObject({ good: "a", try: undefined, reset: true });
  });

  it("leaves the one good slot alone while the running one is on trial, and says that it will not always", async () => {
    const source = { digest: undefined, reference: "r", layers: [] };
    const { signal } = new AbortController();
    const written = machineIn("b").slots.write({ source, signal, onProgress: () => undefined });
    await expect(written).rejects.toMatchObject({ code: "SLOT_ON_TRIAL", retry: "backoff" });
  });

  it("never starts what was staged and not tried, or refused by its boot check", async () => {
    const { slots, words } = machineIn("a");
    const port = rollbackSlots(slots);
    const stage = (): Promise<unknown> => {
      const source = { digest: undefined, reference: "r", layers: [] };
      return slots.write({ source, signal: new AbortController().signal, onProgress: () => undefined });
    };
    await slots.change({ try: "b" });
    await expect(stage()).rejects.toThrow("takes nothing");
    expect(words()).toMatchObject({ good: "a", try: undefined });
    await expect(port.other()).rejects.toMatchObject({ code: "SLOT_NEVER_GOOD" });
    await slots.tryOnce("b");
    // GRUB has tried it, and the machine is back.
    await slots.change({ try: undefined });
    await expect(port.other()).rejects.toMatchObject({ code: "SLOT_NEVER_GOOD" });
    await expect(stage()).rejects.toThrow("takes nothing");
    await slots.markGood("b");
    expect(await port.other()).toBe("slot b");
    await slots.markGood("a");
    expect(await port.other()).toBe("slot b");
  });

  it("goes back to a slot that was to be written, and never was for want of a program", async () => {
    const missing = new SlotError("SLOT_TOOL_MISSING", "mkfs.ext4 cannot be started");
    const { slots } = machineIn("a", undefined, () => Promise.reject(missing));
    const source = { digest: undefined, reference: "r", layers: [] };
    const writing = slots.write({ source, signal: new AbortController().signal, onProgress: () => undefined });
    await expect(writing).rejects.toBe(missing);
    expect(await rollbackSlots(slots).other()).toBe("slot b");
  });

  it("goes back to the slot from before while the new one is on trial", async () => {
    const { slots } = machineIn("b");
    await slots.change({ unproven: "a" });
    expect(await rollbackSlots(slots).other()).toBe("slot b");
  });

  it("is off only when that is on the disk, where the boot loader reads it: that it reads as empty is not enough", async () => {
    let unsynced = 0;
    const { slots, words } = machineIn("a", () => {
      if (unsynced-- > 0) throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", "/oem/grub cannot be synced");
    });
    const not = (): never => {
      throw new Error("not for calling off a trial");
    };
    const outside = {
      restart: not,
      writeCloudConfig: not,
      configFiles: {
        named: not,
        kind: not,
        read: not,
        replace: not,
        remove: not,
        readKept: not,
        writeKept: not,
        keepAside: not,
      },
      readTrialMark: not,
      forgetTrialMark: () => Promise.resolve(),
    };
    const machine = { hostRoot: "/", registriesPath: undefined, bytesPerSecond: undefined, bootId: not, log: not };
    const port = systemSlots({ slots, ...outside, ...machine });
    await port.tryOnce("b");
    unsynced = 2;
    const unsaved = { code: "SLOT_ENVIRONMENT_UNSAVED" };
    await expect(port.forgetTry()).rejects.toMatchObject(unsaved);
    expect(words()).toMatchObject({ try: undefined });
    await expect(port.forgetTry()).rejects.toMatchObject(unsaved);
    await port.forgetTry();
  });

  it("is called off where nobody has told the boot loader otherwise", async () => {
    const { slots, words } = machineIn("a");
    const port = rollbackSlots(slots);
    await port.startNext("slot b");
    await port.forgetNext("slot b");
    expect(words()).toMatchObject({ good: "a", try: undefined });
    await slots.tryOnce("a");
    await port.forgetNext("slot b");
    expect(words()).toMatchObject({ try: "a" });
  });

  it("is one ending in the history, however often it is asked for", () => {
    const once = askRollback(upgraded(EMPTY_JOURNAL), "slot b", NOW);
    expect(once.history.map(({ phase }) => phase)).toEqual(["RolledBack", "Succeeded"]);
    expect(once.failedDigests).toMatchObject([{ code: "UPGRADE_ROLLED_BACK_BY_HAND" }]);
    expect(once.rollback).toEqual({ entry: "slot b", bootId: NOW.bootId, askedMs: NOW.wallMs });
    expect(askRollback(once, "slot b", { ...NOW, wallMs: NOW.wallMs + 1 })).toEqual(once);
    const afterRestart = askRollback(once, "slot b", { ...NOW, bootId: "boot-2" });
    expect(afterRestart).toEqual({ ...once, rollback: { ...once.rollback, bootId: "boot-2" } });
    const again = askRollback(upgraded(forgetRollback(once)), "slot b", NOW);
    expect(again.history.map(({ phase }) => phase)).toEqual(["RolledBack", "Succeeded", "RolledBack", "Succeeded"]);
  });

  it("leaves nothing behind where it is called off, and takes nothing away that it has not brought", () => {
    const before = { ...upgraded(EMPTY_JOURNAL), lastSucceededPlan: orderOf({}).plan.id };
    expect(callOffRollback(askRollback(before, "slot b", NOW))).toEqual(before);
    const earlier = forgetRollback(askRollback(before, "slot b", NOW));
    expect(
      callOffRollback(askRollback(earlier, "slot b", { ...NOW, bootId: "boot-2", wallMs: NOW.wallMs + 1 })),
    ).toEqual(earlier);
    expect(callOffRollback(before)).toBe(before);
  });
});
