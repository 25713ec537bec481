/** Takes back what a switch of slots has changed, where the slot is not to be tried, or was tried in vain. */
import { isCodedError } from "@rancheros/protocol/errors";

import type { Work } from "../work.ts";
import { takeCloudConfigBack } from "./cloud-config.ts";

/**
 * Where it is to be tried again, the switch says so anew. Can be repeated.
 * @returns whether no later restart tries the slot
 */
export async function callOffTrial(work: Work): Promise<boolean> {
  // In this order: after a power cut in between no new operating system comes up with the cloud config of the old one.
  const isOff = await forgetTry(work);
  await takeCloudConfigBack(work);
  return isOff;
}

async function forgetTry({ ports, log }: Work): Promise<boolean> {
  try {
    await ports.slots?.forgetTry();
    return true;
  } catch (error) {
    // The verdict is worth more than this: whoever waits for it is told.
    if (!isCodedError(error)) throw error;
    log(`the boot loader may try the slot again: ${error.message} (${error.code})`);
    return false;
  }
}
