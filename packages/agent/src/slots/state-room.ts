/** Whether what a slot brings for the folders that outlive it has room: without it the slot's trial would end where it begins. */
import { SlotError } from "./errors.ts";

export interface StateRoom {
  /** At the moment at which it is most. */
  readonly neededBytes: number;
  readonly freeBytes: number;
  /** Of all kinds, folders too: each takes an inode. */
  readonly neededFiles: number;
  /** Undefined where the file system makes inodes as they are needed. */
  readonly freeFiles: number | undefined;
}

const MIB = 1024 ** 2;

/** @throws SlotError SLOT_STATE_FULL */
export function requireStateRoom({ neededBytes, freeBytes, neededFiles, freeFiles = Infinity }: StateRoom): void {
  if (freeBytes < neededBytes) {
    const needed = `${Math.ceil(neededBytes / MIB)} MiB`;
    const free = `${Math.floor(freeBytes / MIB)} MiB`;
    throw new SlotError(
      "SLOT_STATE_FULL",
      `the image brings ${needed} for /var and what else outlives a slot, and ${free} are free`,
      { details: { neededBytes, freeBytes } },
    );
  }
  if (freeFiles >= neededFiles) return;
  throw new SlotError(
    "SLOT_STATE_FULL",
    `the image brings ${neededFiles} files for /var and what else outlives a slot, and ${freeFiles} can be made`,
    { details: { neededFiles, freeFiles } },
  );
}
