/** What an error makes of an upgrade: where it ends, whether its image is to blame, whether pods may come back. */
import type { CodedError } from "@rancheros/protocol/errors";
import { PHASES } from "@rancheros/protocol/upgrade";

import { reasonFrom } from "./journal-edits.ts";
import type { Ending, Run } from "./journal.ts";

/** What an image does wrong, after it was let run. */
const BLAMES_IMAGE: readonly string[] = [
  "UPGRADE_CHECK_FAILED",
  "UPGRADE_CONTAINER_FAILED",
  "UPGRADE_CONTAINER_HANGS",
  "UPGRADE_NODE_NOT_READY",
  "CONTAINER_COMMAND_MISSING",
];

/**
 * Before the switch nothing has changed, and where the upgrade container failed the old operating system still runs: pods
 * come back. A new one that does not come through its verification is not fit for them.
 */
export function failureEnding({ phase, switched }: Run, error: CodedError): Ending {
  return {
    phase: "Failed",
    reason: reasonFrom(error),
    message: undefined,
    keepsCordon: phase === "Rebooting" || (phase === "Verifying" && switched?.runsOld !== true),
    blamesImage: PHASES[phase].mayBeSwitched && BLAMES_IMAGE.includes(error.code),
  };
}
