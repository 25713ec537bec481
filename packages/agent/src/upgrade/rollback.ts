/** Back to the operating system from before: the boot loader starts it next time, and the image of now is not tried again. */
import type { BootSlot } from "./boot-slot.ts";
import { UpgradeError } from "./errors.ts";
import { FAILED_DIGESTS_MAX, HISTORY_MAX, type Journal, type Subject } from "./journal.ts";
import type { Moment } from "./moment.ts";

/** What is known of a machine's slots. */
export interface SlotFacts {
  readonly booted: BootSlot;
  /** Whether the passive slot holds anything. */
  readonly hasPassive: boolean;
  /** Text of the boot loader's menu; empty where it cannot be read. */
  readonly menu: string;
}

/** The slots of cOS and Elemental, or our own. */
export interface SlotPort {
  /** What would be started. @throws UpgradeError UPGRADE_NO_OTHER_SLOT; SlotError SLOT_EMPTY */
  other(): Promise<string>;
  /** Of cOS' slots for one start only; one of ours is tried at the next start, and good from then on if its boot check passes. @throws UpgradeError UPGRADE_ROLLBACK_FAILED; SlotError */
  startNext(entry: string): Promise<void>;
}

/** cOS' name of the menu entry, and Elemental's. Source: cOS toolkit and elemental-toolkit, grub.cfg */
const ENTRIES = ["fallback", "passive"] as const;

/**
 * @returns the menu entry of the other slot
 * @throws UpgradeError UPGRADE_NO_OTHER_SLOT, with the reason
 */
export function otherSlot({ booted, hasPassive, menu }: SlotFacts): string {
  if (booted === "unknown") throw noOther("this machine's boot loader has no slots that are known here");
  if (booted === "a" || booted === "b") throw noOther("the slots of this machine are not those of cOS");
  if (booted === "passive") throw noOther("the machine runs its passive slot already; a restart starts the active one");
  if (booted === "recovery") throw noOther("the machine runs its recovery system");
  if (!hasPassive) throw noOther("the passive slot is empty: there was no upgrade yet");
  const known = ENTRIES.find((entry) => new RegExp(`--id[ =]['"]?${entry}['"]?(\\s|\\{|$)`, "m").test(menu));
  return known ?? ENTRIES[0];
}

function noOther(message: string): UpgradeError {
  return new UpgradeError("UPGRADE_NO_OTHER_SLOT", message);
}

/** @throws UpgradeError UPGRADE_UNDER_WAY */
export function refuseRollbackUnderWay({ run }: Journal): void {
  if (run === undefined) return;
  throw new UpgradeError("UPGRADE_UNDER_WAY", `an upgrade is under way, in ${run.phase}`);
}

/** The upgrade that is gone back from becomes one that was rolled back, and its digest one that has failed. */
export function noteRollback(journal: Journal, now: Moment): Journal {
  const last = journal.history.find(({ phase }) => phase === "Succeeded");
  if (journal.run !== undefined || last === undefined) return journal;
  const code = "UPGRADE_ROLLED_BACK_BY_HAND";
  const reason = { code, message: "somebody went back to the operating system from before" };
  const { subject } = last;
  const [newest] = journal.history;
  // Asked for once more, before the restart or after it.
  if (newest?.reason?.code === code && isSameSubject(newest.subject, subject)) return journal;
  const ended = {
    ...last,
    phase: "RolledBack" as const,
    reason,
    message: undefined,
    endedMs: now.wallMs,
    bootId: now.bootId,
  };
  const failed = { digest: subject.digest, planId: subject.planId, attempt: subject.attempt, code, atMs: now.wallMs };
  const others = journal.failedDigests.filter(({ digest }) => digest !== subject.digest);
  return {
    ...journal,
    history: [ended, ...journal.history].slice(0, HISTORY_MAX),
    failedDigests: [failed, ...others].slice(0, FAILED_DIGESTS_MAX),
    lastSucceededPlan: undefined,
  };
}

function isSameSubject(one: Subject, other: Subject): boolean {
  return one.planId === other.planId && one.attempt === other.attempt && one.digest === other.digest;
}
