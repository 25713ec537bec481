/** Restarts the machine, or switches it off: by systemd, and where that does not begin, by force. */
import { setTimeout as sleep } from "node:timers/promises";

import { SlotError } from "../errors.ts";
import { runProgram } from "./run-program.ts";

const ASKED_TIMEOUT_MS = 60_000;
const FORCED_AFTER_MS = 180_000;

/** Asks for it and goes on; units still end in order. @throws SlotError SLOT_NO_RESTART */
export async function askForRestart(how: "reboot" | "poweroff"): Promise<void> {
  try {
    await runProgram({ program: "systemctl", args: ["--no-block", how], timeoutMs: ASKED_TIMEOUT_MS });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SlotError("SLOT_NO_RESTART", `systemctl ${how} does not work: ${why}`, { cause });
  }
}

/** Comes back with the signal, or where not even force helps: a machine whose checks failed has to go down. @throws SlotError SLOT_NO_RESTART */
export async function restartForSure(signal: AbortSignal): Promise<void> {
  try {
    await askForRestart("reboot");
    await sleep(FORCED_AFTER_MS, undefined, { signal });
  } catch {
    // It has begun, and this process is ended with all others.
    if (signal.aborted) return;
  }
  await runProgram({ program: "systemctl", args: ["--force", "--force", "reboot"], timeoutMs: ASKED_TIMEOUT_MS }).catch(
    () => undefined,
  );
  throw new SlotError("SLOT_NO_RESTART", "neither systemctl reboot nor force restarts the machine");
}
