/** After a restart on a machine with two slots: whether the one that was tried came up. */
import { UpgradeError } from "../errors.ts";
import { decideEnding, enter, note, reopen, runOf } from "../journal-edits.ts";
import { judgeTrial } from "../judge-trial.ts";
import type { SystemSlot } from "../ports.ts";
import type { Edit, Work } from "../work.ts";
import { callOffTrial } from "./call-off-trial.ts";

export async function arriveInSlot(work: Work, target: SystemSlot): Promise<Edit> {
  const { ports } = work;
  const slot = await ports.host.readBootSlot();
  const isOff = slot === target || (await callOffTrial(work));
  const trace = slot === target ? undefined : await ports.slots?.trialTrace(target);
  return (journal, now) => {
    const { switched, phase } = runOf(journal);
    if (switched === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the switch is not in the journal");
    const isNew = slot === target;
    // One that came up was tried, also where nobody could write down any more that it was asked for.
    const rebootRequests = Math.max(switched.rebootRequests, isNew ? 1 : 0);
    const counted = {
      ...switched,
      rebootRequests,
      bootId: now.bootId,
      boots: switched.boots + 1,
      runsOld: !isNew,
      isConfirmed: isNew,
    };
    const verdict = judgeTrial(counted, { target, slot, trace });
    // In the phase in which the power went: from there it is switched again, or ends where the trial was called off.
    if (verdict.kind === "try-again") return note(journal, { switched: counted }, now);
    const arrived = enter(reopen(journal, now), phase === "Upgrading" ? "Rebooting" : phase, now, {
      switched: counted,
    });
    if (verdict.kind === "go-on") return enter(arrived, "Verifying", now);
    const reason = { code: verdict.code, message: verdict.message };
    const isRolledBack = verdict.kind === "rolled-back";
    // One that may be tried once more takes the machine away from its pods.
    const ending = { reason, message: undefined, keepsCordon: !isRolledBack || !isOff, blamesImage: true };
    return decideEnding(arrived, { ...ending, phase: isRolledBack ? "RolledBack" : "Failed" }, now);
  };
}
