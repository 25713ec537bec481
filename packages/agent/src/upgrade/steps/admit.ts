/** Granted: whether this upgrade is to be begun at all, and now. */
import { UpgradeError } from "../errors.ts";
import { decideEnding, enter } from "../journal-edits.ts";
import { refusalOfDigest } from "../judge-order.ts";
import type { AskedRollback, Journal } from "../journal.ts";
import type { UpgradePorts } from "../ports.ts";
import { forgetRollback, waitingRollback } from "../rollback.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";

export async function admit(work: Work): Promise<Edit> {
  const reason = refusalOfDigest(work.journal(), presentRun(work).order);
  if (reason !== undefined) {
    const ending = { phase: "Failed", reason, message: undefined, keepsCordon: false, blamesImage: false } as const;
    return (journal, now) => decideEnding(journal, ending, now);
  }
  // What a person has asked for on the machine comes before what the operator wants of it.
  const enterUnlessRollback = async (): Promise<void> => {
    await refuseBesideRollback(work.journal(), work.ports);
    await work.save((journal, now) => enter(forgetRollback(journal), "Staging", now));
  };
  await withPatience(work, () => work.apart(enterUnlessRollback));
  return (journal) => journal;
}

/** @throws UpgradeError UPGRADE_ROLLBACK_WAITS */
export async function refuseBesideRollback(
  journal: Journal,
  ports: Pick<UpgradePorts, "host" | "slots">,
): Promise<void> {
  const asked = waitingRollback(journal, ports.host.now().bootId);
  if (asked === undefined || !(await isToCome(asked, ports))) return;
  throw new UpgradeError(
    "UPGRADE_ROLLBACK_WAITS",
    `somebody has asked for a rollback on this machine: ${asked.entry} starts at its next restart, and an upgrade only after that`,
  );
}

/** A boot loader of ours says itself whether it still knows of it: somebody may have told it otherwise. */
async function isToCome({ entry }: AskedRollback, { slots }: Pick<UpgradePorts, "slots">): Promise<boolean> {
  if (slots?.running() === undefined) return true;
  return `slot ${await slots.tried()}` === entry;
}
