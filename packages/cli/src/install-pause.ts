/** Waits between attempts, while nothing of an installation is written yet. */
import { setTimeout as sleep } from "node:timers/promises";

import { InstallError } from "@rancheros/agent/install";

/** @throws InstallError INSTALL_INTERRUPTED when the signal is given */
export async function installPause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch((cause: unknown) => {
    throw new InstallError("INSTALL_INTERRUPTED", "the waiting for the next attempt was broken off", { cause });
  });
}
