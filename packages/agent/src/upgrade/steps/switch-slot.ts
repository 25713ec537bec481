/** Upgrading on a machine with two slots: the one that was written is tried once. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

import { codedError, UpgradeError } from "../errors.ts";
import { failureEnding } from "../failure-ending.ts";
import { enter, runOf } from "../journal-edits.ts";
import type { SystemSlotsPort } from "../ports.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";
import { callOffTrial } from "./call-off-trial.ts";
import { tryCloudConfig } from "./cloud-config.ts";
import { ended } from "./ended.ts";

/** @throws SlotError */
export async function switchSlot(work: Work): Promise<Edit> {
  const { slots } = work.ports;
  const { target } = presentRun(work);
  if (slots === undefined || target === undefined) {
    throw new UpgradeError("UPGRADE_DEFECT", "there is no slot to be switched to");
  }
  let mayBeArmed = false;
  try {
    await tryCloudConfig(work);
    mayBeArmed = true;
    await withPatience(work, () => slots.tryOnce(target));
  } catch (error) {
    if (work.signal.aborted || hasCode(error, "UPGRADE_JOURNAL_UNSAVED")) throw error;
    // Whoever fails to say that it is on the disk may have put it there, and so may an agent that was killed.
    const isOff = (await callOffTrial(work)) || (!mayBeArmed && !(await mayBeTried(slots)));
    if (isOff) throw error;
    // Some later restart would change the operating system under the pods.
    return ended({ ...failureEnding(presentRun(work), codedError(error)), keepsCordon: true });
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

/** As far as the boot loader's words can be read. */
async function mayBeTried(slots: SystemSlotsPort): Promise<boolean> {
  try {
    return (await slots.tried()) !== undefined;
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return true;
  }
}
