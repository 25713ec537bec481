/** What the machine's two slots and the boot loader's words mean together. */
import type { BootCheckRecord, SlotName, SlotStamp, StartedSlot } from "../slots/index.ts";
import { SlotError, otherSlotName } from "../slots/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

export interface SlotFacts {
  readonly started: StartedSlot;
  readonly running: SlotStamp | undefined;
  /** "none": it holds no system that was written to its end; undefined: it cannot be told. */
  readonly other: SlotStamp | "none" | undefined;
  /** As GRUB's words have it; undefined too where they cannot be read. */
  readonly unproven: SlotName | undefined;
}

export function judgeSlots({ started: { slot }, running, other, unproven }: SlotFacts): Verdict<undefined> {
  if (running === undefined) {
    const message = `the system in slot ${slot}, which runs, does not say that it was written to its end`;
    return warn(
      new SlotError("SLOT_EMPTY", message, { mend: "Upgrade to the image that is wanted: `ros-agent upgrade IMAGE`." }),
    );
  }
  const name = otherSlotName(slot);
  return ok(`runs ${slot} (${imageOf(running)}); ${name} holds ${otherText(other, unproven === name)}`);
}

export interface BootFacts {
  readonly started: StartedSlot;
  readonly words: { readonly good: SlotName; readonly try: SlotName | undefined; readonly reset: boolean };
  readonly bootCheck: BootCheckRecord | undefined;
  /** Of the running slot. */
  readonly digest: string | undefined;
}

/** The first of what somebody has to know. */
export function judgeBootEntry({ started, words, bootCheck, digest }: BootFacts): Verdict<undefined> {
  const { slot, isTrial } = started;
  const pending = (message: string): Verdict<undefined> => warn(new DoctorError("DOCTOR_BOOT_TRIAL_PENDING", message));
  if (words.reset) return pending("the next start resets this machine");
  if (isTrial && words.good !== slot) {
    const isFailed = bootCheck?.outcome === "failed" && bootCheck.slot === slot && bootCheck.digest === digest;
    return isFailed
      ? trialFailed(bootCheck)
      : pending(`slot ${slot} is on trial; ${words.good} starts next unless it is marked good`);
  }
  if (words.try !== undefined) return pending(`the next start tries slot ${words.try}, once`);
  if (words.good !== slot) return pending(`slot ${slot} runs, and ${words.good} starts next`);
  if (bootCheck?.outcome === "failed" && bootCheck.slot !== slot) return trialFailed(bootCheck);
  return ok(`slot ${slot} is good, and starts next`);
}

const SHOWN_FAILURES = 3;

function trialFailed({ slot, at, failures }: BootCheckRecord): Verdict<undefined> {
  const why = failures.slice(0, SHOWN_FAILURES).join("; ") || "nobody knows why";
  return warn(
    new DoctorError("DOCTOR_BOOT_TRIAL_FAILED", `slot ${slot} was tried in vain (${at}): ${why}`, {
      details: { slot },
    }),
  );
}

function otherText(other: SlotFacts["other"], isUnproven: boolean): string {
  if (other === undefined) return "what cannot be seen now";
  if (other === "none") return "nothing to go back to";
  return isUnproven ? `${imageOf(other)}, never found good here: nothing to go back to` : imageOf(other);
}

function imageOf({ reference, digest }: SlotStamp): string {
  const name = reference.replace(/@.*$/, "").replaceAll(/[\p{Cc}\s]+/gu, " ");
  return digest === undefined ? name : `${name}@${digest.slice(0, SHOWN_DIGEST)}`;
}

const SHOWN_DIGEST = 19;
