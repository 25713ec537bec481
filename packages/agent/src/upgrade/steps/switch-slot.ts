/** Upgrading on a machine with two slots: the one that was written is tried once. */
import { hasCode } from "@rancheros/protocol/errors";

import { UpgradeError } from "../errors.ts";
import { enter, runOf } from "../journal-edits.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";
import { callOffTrial } from "./call-off-trial.ts";
import { tryCloudConfig } from "./cloud-config.ts";

/** @throws SlotError */
export async function switchSlot(work: Work): Promise<Edit> {
  const { slots } = work.ports;
  const { target } = presentRun(work);
  if (slots === undefined || target === undefined) {
    throw new UpgradeError("UPGRADE_DEFECT", "there is no slot to be switched to");
  }
  try {
    await tryCloudConfig(work);
    await withPatience(work, () => slots.tryOnce(target));
  } catch (error) {
    // Whoever fails to say that it is on the disk may have put it there.
    if (!work.signal.aborted && !hasCode(error, "UPGRADE_JOURNAL_UNSAVED")) await callOffTrial(work);
    throw error;
  }
  // Written down before the restart is asked for: whoever comes up in the old slot then knows that the new one was tried.
  return (journal, now) => {
    const { switched } = runOf(journal);
    if (switched === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the switch is not in the journal");
    return enter(journal, "Rebooting", now, {
      message: `the machine restarts to try slot ${target}`,
      switched: { ...switched, runs: switched.runs + 1, rebootRequests: switched.rebootRequests + 1 },
    });
  };
}
