/** The two slots of the machine that runs: which one it is, what is in the other one, what starts next. */
import type { BootCheckRecord } from "./boot-check-record.ts";
import { SlotError } from "./errors.ts";
import type { GrubWords } from "./grub-environment.ts";
import { startedSlot, type StartedSlot } from "./kernel-words.ts";
import { otherSlotName, type SlotName } from "./slot.ts";
import { changeSlotWords, readSlotWords, type SlotWords } from "./slot-words.ts";
import type { SlotStamp } from "./slot-stamp.ts";
import { requireStateRoom, type StateRoom } from "./state-room.ts";
import type { SystemSource } from "./system-source.ts";
import type { SlotDisk, SlotProgress } from "./write-slot.ts";
import { writeSlot } from "./write-slot.ts";

export interface SlotsOutside {
  /** /proc/cmdline */
  readonly commandLine: () => string;
  readonly readWords: () => Promise<GrubWords>;
  readonly writeWords: (words: GrubWords) => Promise<void>;
  /** Of all processes only one at a time: what the others change between reading and writing would be lost. @throws SlotError SLOT_ENVIRONMENT_UNSAVED */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
  /** What the running slot, or another one, says of itself. */
  readonly readStamp: (slot: SlotName, isRunning: boolean) => Promise<SlotStamp | undefined>;
  readonly openDisk: (slot: SlotName, signal: AbortSignal) => SlotDisk;
  /** Of a slot that does not run; undefined where the machine has no state of ours. */
  readonly stateRoom: (slot: SlotName, signal: AbortSignal) => Promise<StateRoom | undefined>;
  /** What the boot check has written last. */
  readonly readBootCheck: () => Promise<BootCheckRecord | undefined>;
  readonly arch: string;
}

export interface WriteSystem {
  readonly source: SystemSource;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SlotProgress) => void;
  /** A file at which it ends at once. */
  readonly stopAt?: string;
  /** To be read of what was written, before it is closed. */
  readonly files?: readonly string[];
}

export interface WrittenSystem {
  readonly slot: SlotName;
  readonly ending: "written" | "stopped";
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface MachineSlots {
  /** @returns undefined where the machine has no slots of ours */
  started(): StartedSlot | undefined;
  words(): Promise<SlotWords>;
  stamp(slot: SlotName): Promise<SlotStamp | undefined>;
  /** Into the slot that does not run. @throws SlotError, and what the source throws */
  write(system: WriteSystem): Promise<WrittenSystem>;
  /** Whether what this slot, which does not run, brings for the machine's state has room there. @throws SlotError SLOT_STATE_FULL */
  requireRoom(slot: SlotName, signal: AbortSignal): Promise<void>;
  /** Starts it once. @throws SlotError SLOT_RESET_PENDING */
  tryOnce(slot: SlotName): Promise<void>;
  /** Starts it from now on; a rollback that was asked for meanwhile stays asked for. */
  markGood(slot: SlotName): Promise<void>;
  /** Neither a trial nor a reset is to come. */
  change(change: Partial<SlotWords>): Promise<void>;
  /** @throws SlotError SLOT_EMPTY, SLOT_NEVER_GOOD, SLOT_NONE_HERE */
  otherGoodSlot(): Promise<SlotName>;
  bootCheck(): Promise<BootCheckRecord | undefined>;
}

const FILE_MAX_BYTES = 64 * 1024;

export function machineSlots(outside: SlotsOutside): MachineSlots {
  const started = (): StartedSlot | undefined => startedSlot(outside.commandLine());
  const running = (): SlotName => {
    const found = started();
    if (found !== undefined) return found.slot;
    throw new SlotError("SLOT_NONE_HERE", "the kernel's command line names no slot (rancheros.slot)");
  };
  const changeBy = (decide: (now: SlotWords) => Partial<SlotWords>): Promise<void> =>
    outside.alone(async () => {
      const now = await outside.readWords();
      await outside.writeWords(changeSlotWords(now, decide(readSlotWords(now))));
    });
  const change = (words: Partial<SlotWords>): Promise<void> => changeBy(() => words);
  const words = async (): Promise<SlotWords> => readSlotWords(await outside.readWords());
  const stamp = (slot: SlotName): Promise<SlotStamp | undefined> => outside.readStamp(slot, slot === running());
  /** At the last moment before it is changed. @returns what was unproven before */
  const markUnproven = async (slot: SlotName): Promise<SlotName | undefined> => {
    let before: SlotName | undefined;
    await changeBy((now) => {
      requireWritable(now, slot);
      before = now.unproven;
      // A trial would start what is half written, and a rollback what nobody has tried.
      return { try: undefined, unproven: slot };
    });
    return before;
  };
  return {
    started,
    words,
    stamp,
    change,
    async write({ source, signal, onProgress, stopAt, files = [] }) {
      const slot = otherSlotName(running());
      await changeBy((now) => {
        requireWritable(now, slot);
        // A trial that was asked for and has not come is not wanted any more, also where nothing comes of this.
        return { try: undefined };
      });
      const disk = outside.openDisk(slot, signal);
      const found = new Map<string, Buffer>();
      const watched: SlotDisk = {
        ...disk,
        async format() {
          const before = await markUnproven(slot);
          try {
            return await disk.format();
          } catch (failure) {
            const isSpared = before !== slot && (await disk.isAsPrepared(failure));
            // Why it cannot be written is worth more than that its word could not be taken back.
            if (isSpared) await changeBy((now) => proven(now, slot)).catch(onlySlotError);
            throw failure;
          }
        },
        async readBack(...args) {
          await disk.readBack(...args);
          for (const path of files) {
            const content = disk.look.head(path.replace(/^\//, ""), FILE_MAX_BYTES);
            if (content !== undefined) found.set(path, Buffer.from(content));
          }
        },
      };
      const common = { disk: watched, source, arch: outside.arch, signal, onProgress };
      const ending = await writeSlot(stopAt === undefined ? common : { ...common, stopAt });
      return { slot, ending, files: found };
    },
    async requireRoom(slot, signal) {
      const room = await outside.stateRoom(slot, signal);
      if (room !== undefined) requireStateRoom(room);
    },
    tryOnce: (slot) =>
      changeBy((now) => {
        refuseBeforeReset(now);
        return { try: slot };
      }),
    // GRUB has emptied `try` before this start: another slot in it was asked for since, by a rollback, and is still wanted.
    markGood: (slot) =>
      changeBy((now) => ({
        good: slot,
        try: now.try === slot ? undefined : now.try,
        ...proven(now, slot),
      })),
    async otherGoodSlot() {
      const other = otherSlotName(running());
      const found = await stamp(other);
      if (found === undefined) {
        throw new SlotError("SLOT_EMPTY", `slot ${other} holds no operating system that was written to its end`);
      }
      if ((await words()).unproven !== other) return other;
      throw new SlotError("SLOT_NEVER_GOOD", `slot ${other} holds ${found.reference}, which was never found good here`);
    },
    bootCheck: outside.readBootCheck,
  };
}

function requireWritable(now: SlotWords, slot: SlotName): void {
  refuseBeforeReset(now);
  // Only ever the slot that is not good: after a fallback, or while a trial runs, these are two.
  if (now.good !== slot) return;
  throw new SlotError("SLOT_ON_TRIAL", `slot ${slot} is the only one that is known to start, and is not written over`);
}

function proven({ unproven }: SlotWords, slot: SlotName): Partial<SlotWords> {
  return { unproven: unproven === slot ? undefined : unproven };
}

function onlySlotError(error: unknown): void {
  if (!(error instanceof SlotError)) throw error;
}

/** A trial starts without wiping: the reset would come with some later start, when nobody thinks of it any more. */
function refuseBeforeReset({ reset }: SlotWords): void {
  if (reset) throw new SlotError("SLOT_RESET_PENDING", "a reset was asked for: the next start wipes this machine");
}
