/** What only one process at a time may do: the others wait for it, and not for ever. */
import { setTimeout as sleep } from "node:timers/promises";

import { takeLock } from "../../service/index.ts";
import { SlotError } from "../errors.ts";

/** Whoever holds it waits for the disk. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** @throws SlotError SLOT_ENVIRONMENT_UNSAVED; what the work throws */
export async function aloneWith<T>(lockFile: string, work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const lock = takenLock(lockFile);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (performance.now() - begun >= patienceMs) {
      throw new SlotError(
        "SLOT_ENVIRONMENT_UNSAVED",
        `another process is changing what starts next, for ${patienceMs / 1000} s by now`,
      );
    }
    // Not in step with others who wait.
    await sleep(LOOK_MS * (0.5 + Math.random()));
  }
}

function takenLock(lockFile: string): ReturnType<typeof takeLock> {
  try {
    return takeLock(lockFile);
  } catch (cause) {
    throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", `${lockFile} cannot be locked`, { cause });
  }
}
