/** The real machine's slots. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { BOOT_CHECK_FILE, BOOT_CHECK_MAX_BYTES, readBootCheckRecord } from "../boot-check-record.ts";
import type { SlotsOutside } from "../machine-slots.ts";
import { PARTITIONS, type SlotName } from "../slot.ts";
import { readSlotStamp, STAMP_FILE, STAMP_MAX_BYTES, type SlotStamp } from "../slot-stamp.ts";
import { aloneWith } from "./alone-with.ts";
import { broughtRoom } from "./brought.ts";
import { clearMounts, mount, unmount } from "./file-systems.ts";
import { readGrubEnvironmentFile, writeGrubEnvironmentFile } from "./grub-environment-file.ts";
import { partitionBeside } from "./partitions.ts";
import { slotDisk } from "./slot-disk.ts";
import { readStateFile } from "./state-file.ts";

export interface OpenSlotsOptions {
  /** Where the machine's / is. */
  readonly hostRoot: string;
  /** /var/lib/rancheros */
  readonly stateFolder: string;
  /** /run/rancheros; slots are mounted below it. */
  readonly runFolder: string;
}

/** Folders at which the other slot is mounted to be looked into: one for each look, as another process may take one of them. */
const LOOKS = { stamp: "other-slot", room: "slot-room" } as const;
const WORDS_LOCK = "grub-words.lock";
const COMMAND_LINE_MAX = 16 * 1024;

export function slotsOutside({ hostRoot, stateFolder, runFolder }: OpenSlotsOptions): SlotsOutside {
  const grubenv = join(hostRoot, "/oem/grub/grubenv");
  const device = (slot: SlotName): string => partitionBeside(join(hostRoot, "/oem"), PARTITIONS[slot]);
  const lookInto = async <T>(name: string, slot: SlotName, look: (folder: string) => Promise<T>): Promise<T> => {
    const folder = join(runFolder, name);
    await clearMounts(folder);
    try {
      await mount(device(slot), folder, "ro");
      return await look(folder);
    } finally {
      await unmount(folder);
    }
  };
  return {
    arch: process.arch,
    commandLine() {
      const own = join(hostRoot, "/proc/cmdline");
      return readFileSync(existsSync(own) ? own : "/proc/cmdline", "utf8").slice(0, COMMAND_LINE_MAX);
    },
    readWords: () => readGrubEnvironmentFile(grubenv),
    writeWords: (words) => writeGrubEnvironmentFile(grubenv, words),
    alone: (work) => aloneWith(join(runFolder, WORDS_LOCK), work),
    readStamp: (slot, isRunning) => (isRunning ? stampIn(hostRoot) : lookInto(LOOKS.stamp, slot, stampIn)),
    stateRoom: (slot, signal) => lookInto(LOOKS.room, slot, (folder) => broughtRoom(hostRoot, slot, folder, signal)),
    openDisk: (slot, signal) =>
      slotDisk({
        device: device(slot),
        label: PARTITIONS[slot],
        mountFolder: join(runFolder, "slot"),
        lookFolders: Object.values(LOOKS).map((name) => join(runFolder, name)),
        nowMs: Date.now,
        signal,
      }),
    async readBootCheck() {
      const text = await readStateFile(join(stateFolder, BOOT_CHECK_FILE), BOOT_CHECK_MAX_BYTES);
      return text === undefined ? undefined : readBootCheckRecord(text);
    },
  };
}

async function stampIn(root: string): Promise<SlotStamp | undefined> {
  const text = await readStateFile(join(root, STAMP_FILE), STAMP_MAX_BYTES);
  return text === undefined ? undefined : readSlotStamp(text);
}
