/** Back to what was installed: the next start wipes what makes this machine this machine. */
import { SlotError } from "./errors.ts";
import type { MachineSlots } from "./machine-slots.ts";

export interface ResetOutside {
  readonly slots: Pick<MachineSlots, "started" | "words" | "change">;
  /** What the agent has learned of the operator's CA, which may be another than the installation knows; undefined: nothing. */
  readonly readLearnedCa: () => Promise<string | undefined>;
  /** Where the first program of a slot finds it after the reset; all of it or nothing, and on the disk. */
  readonly keepLearnedCa: (text: string) => Promise<void>;
  /** Beside the boot loader's words; all of it or nothing, and on the disk. */
  readonly writeRequest: (text: string) => Promise<void>;
  readonly nowMs: () => number;
}

export interface ResetOptions {
  /** Switched off, not restarted, when it is done. */
  readonly powerOff: boolean;
  /** Name of the file in the state folder that has what the agent has learned of the operator's CA. */
  readonly learnedCaFile: string;
}

/**
 * Writes down that it is to be done; the restart is the caller's.
 * @throws SlotError SLOT_NONE_HERE, SLOT_ENVIRONMENT_BROKEN, SLOT_ENVIRONMENT_UNSAVED, SLOT_WRITE_FAILED
 */
export async function requestReset(
  { slots, readLearnedCa, keepLearnedCa, writeRequest, nowMs }: ResetOutside,
  { powerOff }: Pick<ResetOptions, "powerOff">,
): Promise<void> {
  const started = slots.started();
  if (started === undefined) throw new SlotError("SLOT_NONE_HERE", "this machine was not started from a slot");
  // What is on trial may not be able to do it.
  if ((await slots.words()).good !== started.slot) {
    throw new SlotError(
      "SLOT_BOOT_CHECK_FAILED",
      `slot ${started.slot} is on trial, and a reset needs one that is good`,
      {
        mend: "Wait for the boot check (`systemctl status ros-agent-boot-check`), or restart the machine.",
      },
    );
  }
  const learned = await readLearnedCa();
  if (learned !== undefined) await keepLearnedCa(learned);
  const request = { version: 1, askedAt: new Date(nowMs()).toISOString(), powerOff };
  await writeRequest(`${JSON.stringify(request)}\n`);
  // Last: from here on it happens.
  await slots.change({ reset: true, try: undefined });
}
