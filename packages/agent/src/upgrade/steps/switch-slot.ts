/** Upgrading and Rebooting on a machine with two slots: the one that was written is tried once. */
import { UpgradeError } from "../errors.ts";
import { enter, runOf } from "../journal-edits.ts";
import { presentRun, say, withPatience, type Edit, type Work } from "../work.ts";
import { applyCloudConfig } from "./cloud-config.ts";

/** @throws SlotError */
export async function switchSlot(work: Work): Promise<Edit> {
  const { slots } = work.ports;
  const { target } = presentRun(work);
  if (slots === undefined || target === undefined) {
    throw new UpgradeError("UPGRADE_DEFECT", "there is no slot to be switched to");
  }
  await applyCloudConfig(work);
  await withPatience(work, () => slots.tryOnce(target));
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

/** Asks for the restart, also for one whose request got lost with an agent that was killed. */
export async function requestRestart(work: Work): Promise<void> {
  const { slots } = work.ports;
  if (presentRun(work).target === undefined || slots === undefined) return;
  if ((await work.ports.host.shutdown()) !== "under-way") await withPatience(work, () => slots.restart());
  await say(work, "the restart is asked for");
}
