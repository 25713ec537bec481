/** Rebooting, in the boot in which it was entered: the restart comes, or the run ends without one. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

import { UpgradeError } from "../errors.ts";
import { note, reasonFrom, runOf } from "../journal-edits.ts";
import type { Reason, Run } from "../journal.ts";
import type { SystemSlotsPort } from "../ports.ts";
import { presentRun, say, withPatience, type Edit, type Work } from "../work.ts";
import { callOffTrial } from "./call-off-trial.ts";
import { ended } from "./ended.ts";

const LOOK_MS = 1_000;
/** Units that do not want to end hold a restart up for 90 s each by default. */
const REBOOT_PATIENCE_MS = 15 * 60_000;

/** The agent is ended with the machine; whoever is still here after so long waits for nothing. */
export async function awaitReboot(work: Work): Promise<Edit> {
  const { slots } = work.ports;
  if (presentRun(work).target !== undefined && slots !== undefined) return awaitTrial(work, slots);
  // It may come at any moment.
  return ended({ ...failed(await awaitEnd(work)), keepsCordon: true });
}

/**
 * A run that has ended leaves no trial behind: some later restart would change the operating system, and nobody would look
 * whether it is well. That it is called off stands in the journal first, so that a kill or a power cut comes to the same end.
 */
async function awaitTrial(work: Work, slots: SystemSlotsPort): Promise<Edit> {
  if (!isCalledOff(presentRun(work))) {
    const lastError = await whyNoTrial(work, slots);
    await work.save((journal, now) => {
      const { switched } = runOf(journal);
      if (switched === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the switch is not in the journal");
      return note(journal, { lastError, switched: { ...switched, rebootRequests: 0 } }, now);
    });
  }
  const isOff = await callOffTrial(work);
  const reason = presentRun(work).lastError ?? { code: "UPGRADE_NO_REBOOT", message: "the trial was called off" };
  // Of a restart of which nobody can say that it does not come the pods would hear when it is too late.
  const isQuiet = (await work.ports.host.shutdown()) === "none";
  return ended({ ...failed(reason), keepsCordon: !isOff || !isQuiet });
}

/** The switch counts the first request before it is made. */
function isCalledOff({ switched }: Run): boolean {
  return switched?.rebootRequests === 0;
}

/** Never by force: what holds a restart back may be at work that must not be broken off, and the system that runs is well. */
async function whyNoTrial(work: Work, slots: SystemSlotsPort): Promise<Reason> {
  const request = async (): Promise<void> => {
    if ((await work.ports.host.shutdown()) !== "under-way") await slots.restart();
  };
  try {
    // Also one whose request got lost with an agent that was killed.
    await withPatience(work, request, { patienceMs: REBOOT_PATIENCE_MS });
    await say(work, "the restart is asked for");
    return await awaitEnd(work);
  } catch (error) {
    if (work.signal.aborted || !isCodedError(error) || hasCode(error, "UPGRADE_JOURNAL_UNSAVED")) throw error;
    return reasonFrom(error);
  }
}

/** @returns why it is given up */
async function awaitEnd({ ports: { host }, signal }: Work): Promise<Reason> {
  const begun = host.now().uptimeMs;
  while (host.now().uptimeMs - begun < REBOOT_PATIENCE_MS) await host.sleep(LOOK_MS, signal);
  const message = `a restart was under way, and has not come within ${REBOOT_PATIENCE_MS / 60_000} min`;
  return { code: "UPGRADE_NO_REBOOT", message };
}

function failed(reason: Reason) {
  return { phase: "Failed", reason, message: undefined, blamesImage: false } as const;
}
