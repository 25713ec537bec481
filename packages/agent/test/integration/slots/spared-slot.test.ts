/** A slot that was to be written and could not be formatted: on a real disk, what it holds is still something to go back to. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

import { makeDisk, type TestDisk } from "../../../../../test/disks/index.ts";
import { SlotError } from "../../../src/slots/errors.ts";
import { makeExt4, mount, unmount } from "../../../src/slots/io/file-systems.ts";
import { slotDisk } from "../../../src/slots/io/slot-disk.ts";
import { machineSlots, type MachineSlots } from "../../../src/slots/machine-slots.ts";
import { STAMP_FILE } from "../../../src/slots/slot-stamp.ts";
import { freshSlotWords, readSlotWords, type SlotWords } from "../../../src/slots/slot-words.ts";
import type { SlotDisk } from "../../../src/slots/write-slot.ts";

const { signal } = new AbortController();
const STAMP = { version: 1, reference: "r.test/os", digest: "sha256:x", writtenAt: "2026-06-01", files: 7 } as const;
const SOURCE = { digest: "sha256:y", reference: "r.test/new", layers: [] };

let home: string;
let disk: TestDisk;
let elsewhere: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "spared-slot-"));
  elsewhere = join(home, "elsewhere");
  disk = makeDisk(home, 16 * 1024 ** 2);
  await makeExt4(disk.device, "ROS_SLOT_B", signal);
  await mount(disk.device, elsewhere, "rw");
  writeFileSync(join(elsewhere, STAMP_FILE), JSON.stringify(STAMP));
  await unmount(elsewhere);
});

afterEach(async () => {
  await unmount(elsewhere);
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

const open = (device = disk.device): SlotDisk =>
  slotDisk({ device, label: "ROS_SLOT_B", mountFolder: join(home, "slot"), nowMs: () => 0, signal });

/** In slot a, with slot b on the disk. */
function machine(change: (slot: SlotDisk) => Partial<SlotDisk> = () => ({})): {
  readonly slots: MachineSlots;
  readonly words: () => SlotWords;
} {
  let words = freshSlotWords({ good: "a", try: "b", reset: false, extra: "", unproven: undefined });
  const slots = machineSlots({
    commandLine: () => "rancheros.slot=a",
    readWords: () => Promise.resolve(words),
    writeWords(next) {
      words = next;
      return Promise.resolve();
    },
    alone: (work) => work(),
    readStamp: () => Promise.resolve(STAMP),
    openDisk() {
      const slot = open();
      return { ...slot, ...change(slot) };
    },
    stateRoom: () => Promise.resolve(undefined),
    readBootCheck: () => Promise.resolve(undefined),
    arch: "x64",
  });
  return { slots, words: () => readSlotWords(words) };
}

const write = (slots: MachineSlots) => slots.write({ source: SOURCE, signal, onProgress: () => undefined });
const FAILED = { code: "SLOT_TOOL_FAILED" };

it("is good as before where somebody else has it mounted", async () => {
  const { slots, words } = machine();
  mkdirSync(elsewhere, { recursive: true });
  execFileSync("mount", [disk.device, elsewhere]);
  await expect(write(slots)).rejects.toMatchObject(FAILED);
  expect(words()).toMatchObject({ good: "a", try: undefined, unproven: undefined });
  expect(await slots.otherGoodSlot()).toBe("b");
});

it("is good as before where nothing can be written to it", async () => {
  const env = { PATH: "/usr/sbin:/sbin" };
  const args = ["--read-only", "--find", "--show", disk.file];
  const device = execFileSync("losetup", args, { env, encoding: "utf8" }).trim();
  try {
    const { slots } = machine(() => open(device));
    await expect(write(slots)).rejects.toMatchObject(FAILED);
    expect(await slots.otherGoodSlot()).toBe("b");
  } finally {
    execFileSync("losetup", ["--detach", device], { env });
  }
});

it("is good again where somebody has taken it at the last moment, and only if it was good", async () => {
  const { slots, words } = machine((slot) => ({
    async prepare() {
      await slot.prepare();
      mkdirSync(elsewhere, { recursive: true });
      execFileSync("mount", [disk.device, elsewhere]);
    },
  }));
  await expect(write(slots)).rejects.toMatchObject(FAILED);
  expect(words().unproven).toBeUndefined();
  expect(await slots.otherGoodSlot()).toBe("b");
  await unmount(elsewhere);
  await slots.change({ unproven: "b" });
  await expect(write(slots)).rejects.toMatchObject(FAILED);
  expect(words().unproven).toBe("b");
});

it.each(["SLOT_TOOL_STUCK", "SLOT_TOOL_HANGS", "SLOT_INTERRUPTED"] as const)(
  "is nothing to go back to where what formats it was ended in the midst of it (%s)",
  async (code) => {
    const { slots } = machine(() => ({ format: () => Promise.reject(new SlotError(code, "killed")) }));
    await expect(write(slots)).rejects.toMatchObject({ code });
    await expect(slots.otherGoodSlot()).rejects.toMatchObject({ code: "SLOT_NEVER_GOOD" });
  },
);

it("is nothing to go back to once it is formatted, whatever fails then", async () => {
  const { slots } = machine((slot) => ({
    async format() {
      await slot.format();
      throw new SlotError("SLOT_TOOL_FAILED", "mount: refused");
    },
  }));
  await expect(write(slots)).rejects.toMatchObject(FAILED);
  await expect(slots.otherGoodSlot()).rejects.toMatchObject({ code: "SLOT_NEVER_GOOD" });
});

it("is good as before where it is broken off before it is formatted", async () => {
  const stop = new AbortController();
  const { slots } = machine((slot) => ({
    async prepare() {
      await slot.prepare();
      stop.abort();
    },
  }));
  const writing = slots.write({ source: SOURCE, signal: stop.signal, onProgress: () => undefined });
  await expect(writing).rejects.toMatchObject({ code: "SLOT_INTERRUPTED" });
  expect(await slots.otherGoodSlot()).toBe("b");
});
