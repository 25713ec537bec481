/** The restart that ends a command's work. */
import { askForRestart, SlotError } from "@rancheros/agent/slots";

import { FailedInPart } from "./failed-in-part.ts";

/** @param done  what stays done without a restart. @throws FailedInPart with SLOT_NO_RESTART */
export async function restartAfter(how: "reboot" | "poweroff", done: object): Promise<void> {
  try {
    await askForRestart(how);
  } catch (error) {
    throw error instanceof SlotError ? new FailedInPart(error, done) : error;
  }
}
