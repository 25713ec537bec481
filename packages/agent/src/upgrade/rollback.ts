/** Back to the operating system from before: the boot loader starts it next time, and the image of now is not tried again. */
import type { BootSlot } from "./boot-slot.ts";
import { UpgradeError } from "./errors.ts";
import { FAILED_DIGESTS_MAX, HISTORY_MAX, type AskedRollback, type Journal, type Subject } from "./journal.ts";
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
  /** What would be started. @throws UpgradeError UPGRADE_NO_OTHER_SLOT; SlotError SLOT_EMPTY, SLOT_NEVER_GOOD */
  other(): Promise<string>;
  /** Of cOS' slots for one start only; one of ours is tried at the next start, and good from then on if its boot check passes. @throws UpgradeError UPGRADE_ROLLBACK_FAILED; SlotError */
  startNext(entry: string): Promise<void>;
  /** Nothing but what starts anyway, where it was this that was to be started. @throws as `startNext` */
  forgetNext(entry: string): Promise<void>;
}

const BY_HAND = "UPGRADE_ROLLED_BACK_BY_HAND";

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

/** The rollback that comes with the next restart; undefined where none was asked for in this boot. */
export function waitingRollback({ rollback }: Journal, bootId: string): AskedRollback | undefined {
  return rollback?.bootId === bootId ? rollback : undefined;
}

/** An upgrade that waits for an earlier rollback is not in the way of it. @throws UpgradeError UPGRADE_UNDER_WAY */
export function refuseRollbackUnderWay(journal: Journal, bootId: string): void {
  const { run } = journal;
  if (run === undefined || (run.phase === "Granted" && waitingRollback(journal, bootId) !== undefined)) return;
  throw new UpgradeError("UPGRADE_UNDER_WAY", `an upgrade is under way, in ${run.phase}`);
}

/**
 * Before the boot loader is told of it. The upgrade that is gone back from becomes one that was rolled back, and its digest
 * one that has failed.
 * @throws UpgradeError UPGRADE_UNDER_WAY
 */
export function askRollback(journal: Journal, entry: string, now: Moment): Journal {
  refuseRollbackUnderWay(journal, now.bootId);
  const asked = waitingRollback(journal, now.bootId);
  if (asked?.entry === entry) return journal;
  return { ...noteRollback(journal, now), rollback: { entry, bootId: now.bootId, askedMs: now.wallMs } };
}

/** As if it had never been asked for. */
export function callOffRollback(journal: Journal): Journal {
  const { rollback, history, failedDigests } = journal;
  if (rollback === undefined) return journal;
  const noted = history.findIndex(({ reason, endedMs }) => reason?.code === BY_HAND && endedMs === rollback.askedMs);
  const planId = history[noted]?.subject.planId;
  return {
    ...journal,
    rollback: undefined,
    history: history.filter((_, at) => at !== noted),
    failedDigests: failedDigests.filter(({ code, atMs }) => code !== BY_HAND || atMs !== rollback.askedMs),
    lastSucceededPlan: planId ?? journal.lastSucceededPlan,
  };
}

/** It has come with a restart, or the boot loader knows nothing of it any more. */
export function forgetRollback(journal: Journal): Journal {
  return journal.rollback === undefined ? journal : { ...journal, rollback: undefined };
}

function noteRollback(journal: Journal, now: Moment): Journal {
  const last = journal.history.find(({ phase }) => phase === "Succeeded");
  if (last === undefined) return journal;
  const reason = { code: BY_HAND, message: "somebody went back to the operating system from before" };
  const { subject } = last;
  const [newest] = journal.history;
  // Asked for once more, after the restart.
  if (newest?.reason?.code === BY_HAND && isSameSubject(newest.subject, subject)) return journal;
  const ended = {
    ...last,
    phase: "RolledBack" as const,
    reason,
    message: undefined,
    endedMs: now.wallMs,
    bootId: now.bootId,
  };
  const failed = {
    digest: subject.digest,
    planId: subject.planId,
    attempt: subject.attempt,
    code: BY_HAND,
    atMs: now.wallMs,
  };
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
