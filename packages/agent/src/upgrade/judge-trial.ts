/** Which of a machine's two slots came up after one was tried, and what that says of the upgrade. */
import type { BootSlot } from "./boot-slot.ts";
import type { Switch } from "./journal.ts";
import { BOOTS_MAX, type ArrivalVerdict } from "./judge-arrival.ts";
import type { SystemSlot } from "./ports.ts";

export type TrialVerdict = ArrivalVerdict | { readonly kind: "try-again" };

export interface TrialArrival {
  readonly target: SystemSlot;
  readonly slot: BootSlot;
  /** What the boot check of the trial, or the first program of the slot, has left; undefined where it left nothing. */
  readonly trace: string | undefined;
}

/** @param switched  with this boot counted */
export function judgeTrial(switched: Switch, { target, slot, trace }: TrialArrival): TrialVerdict {
  const { boots, rebootRequests } = switched;
  if (boots >= BOOTS_MAX) {
    const message = `the machine has restarted ${boots} times since the upgrade began to switch`;
    return { kind: "failed", code: "UPGRADE_REBOOTS_AGAIN", message };
  }
  if (slot === target) return { kind: "go-on" };
  // The power went between two writes: whether the slot was tried nobody knows, and one more time does no harm.
  if (rebootRequests === 0) return { kind: "try-again" };
  const why = trace ?? `slot ${target} did not come up (panic, hang or power cut)`;
  return { kind: "rolled-back", code: "UPGRADE_FELL_BACK", message: `the machine is back in slot ${slot}: ${why}` };
}
