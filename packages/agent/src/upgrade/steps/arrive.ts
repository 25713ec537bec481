/** After a restart: which operating system came up. */
import { UpgradeError } from "../errors.ts";
import { decideEnding, enter, reopen, runOf } from "../journal-edits.ts";
import { isOldRelease, judgeArrival } from "../judge-arrival.ts";
import type { Journal } from "../journal.ts";
import type { Moment } from "../moment.ts";
import { RELEASE_MAX_BYTES, releaseOf } from "../release.ts";
import { presentRun, type Edit, type Work } from "../work.ts";
import { arriveInSlot } from "./arrive-in-slot.ts";

export async function arrive(work: Work): Promise<Edit> {
  const { target } = presentRun(work);
  if (target !== undefined) return arriveInSlot(work, target);
  const { host } = work.ports;
  const { releases } = presentRun(work);
  const slot = await host.readBootSlot();
  const file = releases === undefined ? undefined : await host.readFile(releases.path, RELEASE_MAX_BYTES);
  const release = releases === undefined || file === undefined ? undefined : releaseOf(releases.path, file).sha256;
  return (journal, now) => {
    const arrived = inThisBoot(journal, now, isOldRelease(releases, release));
    const { switched } = runOf(arrived);
    if (switched === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the switch is not in the journal");
    const verdict = judgeArrival(switched, releases, { slot, release });
    if (verdict.kind === "go-on") return enter(arrived, "Verifying", now);
    const reason = { code: verdict.code, message: verdict.message };
    const isRolledBack = verdict.kind === "rolled-back";
    const phase = isRolledBack ? "RolledBack" : "Failed";
    // What ran before the upgrade is fit for pods, a recovery system is not, and of a system that restarts nobody knows.
    const keepsCordon = !isRolledBack || slot === "recovery";
    return decideEnding(arrived, { phase, reason, message: undefined, keepsCordon, blamesImage: true }, now);
  };
}

/** The restart is written down as one, also where it was not seen to begin. */
function inThisBoot(journal: Journal, now: Moment, runsOld: boolean): Journal {
  const { phase, switched } = runOf(journal);
  if (switched === undefined) return journal;
  const counted = { ...switched, bootId: now.bootId, boots: switched.boots + 1, runsOld };
  const note = { container: undefined, switched: counted };
  return enter(reopen(journal, now), phase === "Upgrading" ? "Rebooting" : phase, now, note);
}
