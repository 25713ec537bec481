/** What of a machine's word on its upgrade is written into its MachineInventory, and when. */
import type { MachineInventory } from "@rancheros/protocol/resources";
import { isTerminal, type UpgradeStatus } from "@rancheros/protocol/upgrade";
import type { UpgradeFacts } from "./rollout-facts.ts";
import { rolloutFacts } from "./rollout-facts.ts";
import { timeText } from "./time-text.ts";

/** A phase on the way is written at most this often: one that has passed by then need not be seen. */
export const PASSING_PHASE_INTERVAL_MS = 20_000;

function isSameWord(old: UpgradeFacts, word: UpgradeStatus): boolean {
  return (
    isSameAttempt(old, word) &&
    old.phase === word.phase &&
    old.digest === word.digest &&
    old.reason === word.reason &&
    old.message === word.message
  );
}

function isSameAttempt(old: UpgradeFacts, word: UpgradeStatus): boolean {
  return old.image === word.image && old.plan === word.plan && old.attempt === word.attempt;
}

/** A word that was on its way while a later one was written. */
function isOvertaken(old: UpgradeFacts, word: UpgradeStatus): boolean {
  if (old.image !== word.image || old.plan !== word.plan) return false;
  if (word.attempt < old.attempt) return true;
  // After an end only Failed is taken back: a machine that was given up may come through yet.
  return word.attempt === old.attempt && isTerminal(old.phase) && !isTerminal(word.phase);
}

/**
 * Whether the word has to be written now.
 * @param heardEveryMs  how old `heard` may be: who holds a slot must not look silent
 */
export function isUpgradeWordDue(
  old: UpgradeFacts | undefined,
  word: UpgradeStatus,
  nowMs: number,
  heardEveryMs: number,
): boolean {
  if (old === undefined) return word.phase !== "Idle";
  if (isOvertaken(old, word)) return false;
  const heardAgoMs = nowMs - (old.heardMs ?? Number.NEGATIVE_INFINITY);
  if (isSameWord(old, word)) return !isTerminal(word.phase) && word.phase !== "Idle" && heardAgoMs >= heardEveryMs;
  // Idle is the end of what was broken off, and is told once.
  const isEnd = isTerminal(word.phase) || word.phase === "Idle";
  const isPassing = isSameAttempt(old, word) && !isEnd && word.phase !== "Rebooting";
  const isTrouble = word.reason !== undefined && word.reason !== old.reason;
  return !isPassing || isTrouble || heardAgoMs >= PASSING_PHASE_INTERVAL_MS;
}

/** The fields of the status to write; undefined where there is nothing to write now. See isUpgradeWordDue. */
export function upgradeStatus(
  inventory: MachineInventory,
  word: UpgradeStatus,
  nowMs: number,
  heardEveryMs: number,
): Readonly<Record<string, unknown>> | undefined {
  const old = rolloutFacts(inventory).upgrade;
  if (!isUpgradeWordDue(old, word, nowMs, heardEveryMs)) return undefined;
  const now = timeText(nowMs);
  const isSamePhase = old !== undefined && isSameAttempt(old, word) && old.phase === word.phase;
  return {
    lastSeen: now,
    upgrade: {
      // In a merge patch, null takes away what an earlier word left.
      image: word.image ?? null,
      plan: word.plan ?? null,
      attempt: word.attempt,
      phase: word.phase,
      since: isSamePhase && old.sinceMs !== undefined ? timeText(old.sinceMs) : now,
      heard: now,
      digest: word.digest ?? null,
      reason: word.reason ?? null,
      message: word.message ?? null,
    },
  };
}
