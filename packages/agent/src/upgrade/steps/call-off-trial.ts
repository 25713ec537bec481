/** Takes back what a switch of slots has changed, where the slot is not to be tried, or was tried in vain. */
import { isCodedError } from "@rancheros/protocol/errors";

import { presentRun, withPatience, type Work } from "../work.ts";
import { takeCloudConfigBack } from "./cloud-config.ts";

/** A lock that another process holds, or a disk that was slow, is over by then. */
const FORGET_PATIENCE_MS = 5 * 60_000;

/**
 * Where it is to be tried again, the switch says so anew. Can be repeated.
 * @returns whether no later restart tries the slot
 */
export async function callOffTrial(work: Work): Promise<boolean> {
  // In this order, and only then: no new operating system comes up with the cloud config of the old one.
  const isOff = await forgetTry(work);
  if (isOff) await takeCloudConfigBack(work, presentRun(work).order);
  return isOff;
}

async function forgetTry(work: Work): Promise<boolean> {
  const { slots } = work.ports;
  if (slots === undefined) return true;
  try {
    // What the status says of the run is why it ends.
    await withPatience(work, () => slots.forgetTry(), { patienceMs: FORGET_PATIENCE_MS, isTold: false });
    return true;
  } catch (error) {
    // The verdict is worth more than this: whoever waits for it is told. An agent that is to end has none yet.
    if (work.signal.aborted || !isCodedError(error)) throw error;
    work.log(`the boot loader may try the slot again: ${error.message} (${error.code})`);
    return false;
  }
}
