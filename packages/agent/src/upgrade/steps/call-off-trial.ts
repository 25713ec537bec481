/** Takes back what a switch of slots has told the boot loader, where the slot is not to be tried, or was tried in vain. */
import { isCodedError } from "@rancheros/protocol/errors";

import type { Work } from "../work.ts";

/**
 * Where it is to be tried again, the switch says so anew. Can be repeated.
 * @returns whether no later restart tries the slot
 */
export async function callOffTrial({ ports, log }: Work): Promise<boolean> {
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
