/** Asks the operator whether this machine still holds its slot, until it answers. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { StatusAnswer, UpgradeStatus } from "@rancheros/protocol/upgrade";

import { daemonRetryDelayMs } from "../registration/index.ts";
import type { LinkOutside } from "./link-outside.ts";

/** An operator that is back is to be noticed while the node waits. */
const LONGEST_DELAY_MS = 15_000;

/** @throws when the signal is given, and what no trying again mends */
export async function confirmSlot(
  outside: LinkOutside,
  tell: (status: UpgradeStatus) => Promise<StatusAnswer>,
  status: () => UpgradeStatus,
  signal: AbortSignal,
): Promise<"held" | "lost"> {
  for (let failures = 0; ;) {
    try {
      const { holdsSlot } = await tell(status());
      return holdsSlot ? "held" : "lost";
    } catch (error) {
      if (signal.aborted) throw error;
      const delayMs = isCodedError(error) ? daemonRetryDelayMs(error, ++failures, outside.random()) : undefined;
      if (delayMs === undefined) throw error;
      await outside.sleep(Math.min(delayMs, LONGEST_DELAY_MS), signal);
    }
  }
}
