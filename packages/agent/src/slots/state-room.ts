/** Whether what a slot brings for the folders that outlive it has room: without it the slot's trial would end where it begins. */
import { SlotError } from "./errors.ts";

export interface StateRoom {
  /** Of what the machine does not have yet. */
  readonly neededBytes: number;
  readonly freeBytes: number;
}

const MIB = 1024 ** 2;

/** @throws SlotError SLOT_STATE_FULL */
export function requireStateRoom({ neededBytes, freeBytes }: StateRoom): void {
  if (freeBytes >= neededBytes) return;
  const needed = `${Math.ceil(neededBytes / MIB)} MiB`;
  const free = `${Math.floor(freeBytes / MIB)} MiB`;
  throw new SlotError(
    "SLOT_STATE_FULL",
    `the image brings ${needed} for /var and what else outlives a slot, and ${free} are free`,
    {
      details: { neededBytes, freeBytes },
    },
  );
}
