/** Which phase comes next before the switch: what the plan does not ask for is left out. */
import { enter, runOf } from "../journal-edits.ts";
import type { Order } from "../journal.ts";
import { presentRun, say, type Edit, type Work } from "../work.ts";
import { forgetCloudConfigBefore } from "./cloud-config.ts";
import { ended } from "./ended.ts";

/** So long an operator may take for its answer before it is waited for. */
const QUIET_MS = 2_000;

export function afterStaging(work: Work): Promise<Edit> | Edit {
  const { prepare } = presentRun(work).order.plan;
  return prepare === undefined ? afterPreparing(work) : (journal, now) => enter(journal, "Preparing", now);
}

export function afterPreparing(work: Work): Promise<Edit> | Edit {
  const isDraining = leavesPods(presentRun(work).order);
  return isDraining ? (journal, now) => enter(journal, "Draining", now) : towardsSwitch(work);
}

/** Whether the node is to take no pods while it is upgraded. */
export function leavesPods({ plan }: Order): boolean {
  return plan.cordon || plan.drain !== undefined;
}

/** The last moment before the switch: the slot must still be ours. Leads to Upgrading. */
export async function towardsSwitch(work: Work): Promise<Edit> {
  const lost = await unlessSlotHeld(work);
  if (lost !== undefined) return lost;
  // What an earlier upgrade has left there is not what this one replaces.
  if (presentRun(work).target !== undefined) await forgetCloudConfigBefore(work);
  const startedFrom = await work.ports.host.readBootSlot();
  return (journal, now) => {
    // Broken off in the last moment.
    if (work.stop.aborted) return journal;
    // The plan may have come to ask for it while the operator was asked.
    const { phase, order } = runOf(journal);
    if (phase !== "Draining" && leavesPods(order)) return enter(journal, "Draining", now);
    const counts = { rebootRequests: 0, runs: 0, boots: 0 };
    const switched = { bootId: now.bootId, ...counts, isConfirmed: false, startedFrom, runsOld: true };
    return enter(journal, "Upgrading", now, { switched });
  };
}

/** What is answered at once is not worth a word, which would stand in the status for longer than it is true. */
async function confirmed(work: Work, order: Order): Promise<"held" | "lost"> {
  const answered = new AbortController();
  const waiting = AbortSignal.any([work.signal, answered.signal]);
  const saying = (async (): Promise<void> => {
    await work.ports.host.sleep(QUIET_MS, waiting);
    await say(work, "waiting for the operator to confirm the slot");
  })().catch(() => undefined);
  try {
    return await work.ports.confirmSlot(order, work.signal);
  } finally {
    answered.abort();
    await saying;
  }
}

/** @returns the end where the slot is lost */
export async function unlessSlotHeld(work: Work): Promise<Edit | undefined> {
  const { order, phase } = presentRun(work);
  if (order.isByHand) return undefined;
  if ((await confirmed(work, order)) === "held") return undefined;
  const reason = { code: "UPGRADE_SLOT_LOST", message: `the operator took the slot back in ${phase}` };
  return ended({ phase: "Idle", reason, message: undefined, keepsCordon: false, blamesImage: false });
}
