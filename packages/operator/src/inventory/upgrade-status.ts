/** What of a machine's word on its upgrade is written into its MachineInventory, and how soon. */
import { believedAttempt, isTerminal, PHASES, type UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { RolloutFacts, UpgradeFacts } from "./rollout-facts.ts";
import { timeText } from "./time-text.ts";

/** A word, since when the machine has been in that phase, and when it last said so. */
export interface HeardWord {
  readonly word: UpgradeStatus;
  readonly sinceMs: number;
  readonly heardMs: number;
}

/** prompt: what decisions go by, and trouble. late: a phase on the way, which is written when it has lasted. none: it is written, or out of date. */
export type WordUrgency = "prompt" | "late" | "none";

/** So many milliseconds a phase has to last, for each machine that is under way. */
const HOLD_MS_EACH = 2_000;
export const LONGEST_HOLD_MS = 60_000;

/**
 * How long a phase has to last to be written. Who upgrades three machines watches each of them; of hundreds nobody does,
 * and what counts is which one does not get on.
 * @param underWay  machines that say that they are in the middle of an upgrade
 */
export function passingPhaseHoldMs(underWay: number): number {
  return Math.min(LONGEST_HOLD_MS, HOLD_MS_EACH * Math.max(1, underWay));
}

export function isSameWord(old: UpgradeFacts, word: UpgradeStatus): boolean {
  return (
    isSamePhase(old, word) && old.digest === word.digest && old.reason === word.reason && old.message === word.message
  );
}

export function isSamePhase(old: UpgradeFacts | UpgradeStatus, word: UpgradeStatus): boolean {
  return isSameAttempt(old, word) && old.phase === word.phase;
}

function isSameAttempt(old: UpgradeFacts | UpgradeStatus, word: UpgradeStatus): boolean {
  return old.image === word.image && old.plan === word.plan && old.attempt === word.attempt;
}

/** A word that was on its way while a later one was written. */
function isOvertaken(old: UpgradeFacts, word: UpgradeStatus): boolean {
  // Upgrades by hand are not counted: a word of the next one looks as one of the last.
  if (word.plan === undefined || old.image !== word.image || old.plan !== word.plan) return false;
  if (word.attempt < believedAttempt(old.attempt)) return true;
  if (word.attempt !== old.attempt) return false;
  // No attempt is begun again after it was broken off.
  if (old.phase === "Idle") return PHASES[word.phase].holdsSlot;
  // After an end only Failed is taken back: a machine that was given up may come through yet.
  return isTerminal(old.phase) && !isTerminal(word.phase) && !isTakenBack(old, word);
}

/** What succeeded is not broken off later, but on a disk that was taken back to the middle of it. */
function isTakenBack(old: UpgradeFacts, { phase, reason }: UpgradeStatus): boolean {
  return old.phase === "Succeeded" && phase === "Idle" && reason !== undefined;
}

/** Why a machine cannot begin is something, and an attempt that was broken off is too: the next one has to be a later one. */
function isNothing({ phase, plan, reason }: UpgradeStatus): boolean {
  return phase === "Idle" && plan === undefined && reason === undefined;
}

/**
 * @param old           what the MachineInventory says
 * @param heardEveryMs  how old `heard` may be: who holds a slot must not look silent
 */
export function wordUrgency(
  old: UpgradeFacts | undefined,
  word: UpgradeStatus,
  nowMs: number,
  heardEveryMs: number,
): WordUrgency {
  // Idle is the end of what was broken off, and is told once.
  const isEnd = isTerminal(word.phase) || word.phase === "Idle";
  if (old === undefined) return isNothing(word) ? "none" : "prompt";
  if (isOvertaken(old, word)) return "none";
  const looksSilent = isLongUnheard(old, nowMs, heardEveryMs);
  if (isSameWord(old, word)) return !isEnd && looksSilent ? "prompt" : "none";
  const isBegin = !isSameAttempt(old, word) || !PHASES[old.phase].holdsSlot;
  const isTrouble = word.reason !== undefined && word.reason !== old.reason;
  return isBegin || isEnd || isTrouble || looksSilent ? "prompt" : "late";
}

function isLongUnheard(old: UpgradeFacts, nowMs: number, heardEveryMs: number): boolean {
  const isAhead = old.heardMs !== undefined && old.heardMs >= nowMs + heardEveryMs;
  // In a time to come a replica has heard it whose clock was wrong.
  return isAhead || nowMs >= silentFromMs(old, heardEveryMs);
}

/** When the machine looks silent unless something is written of it. */
export function silentFromMs({ heardMs }: UpgradeFacts, heardEveryMs: number): number {
  return (heardMs ?? Number.NEGATIVE_INFINITY) + heardEveryMs;
}

/** Whether a phase on the way that has been kept until now still says more than what is written. */
export function isLateWordNews(old: UpgradeFacts | undefined, { word, heardMs }: HeardWord): boolean {
  if (old === undefined) return true;
  // It was kept while this attempt was under way: an end, or another attempt, came later, whatever the clocks say.
  if (!isSameAttempt(old, word) || !PHASES[old.phase].holdsSlot) return false;
  // Another replica may have heard, and written, something later.
  return !isSameWord(old, word) && heardMs >= (old.heardMs ?? 0);
}

/**
 * The fields of the status to write.
 * @param facts  of the MachineInventory that is written to
 */
export function upgradeStatus(
  { upgrade: old, retry }: Pick<RolloutFacts, "upgrade" | "retry">,
  { word, sinceMs, heardMs }: HeardWord,
): Readonly<Record<string, unknown>> {
  const isStill = old !== undefined && isSamePhase(old, word);
  const begunWith = old !== undefined && isSameAttempt(old, word) ? old.retry : retry;
  return {
    lastSeen: timeText(heardMs),
    upgrade: {
      // In a merge patch, null takes away what an earlier word left.
      image: word.image ?? null,
      plan: word.plan ?? null,
      attempt: word.attempt,
      retry: begunWith ?? null,
      phase: word.phase,
      since: timeText(isStill ? (old.sinceMs ?? sinceMs) : sinceMs),
      heard: timeText(heardMs),
      digest: word.digest ?? null,
      reason: word.reason ?? null,
      message: word.message ?? null,
    },
  };
}
