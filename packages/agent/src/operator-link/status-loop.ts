/** Tells the operator of each change, and now and then that an upgrade is still under way; what could not be told is told later. */
import { isCodedError } from "@rancheros/protocol/errors";
import { PHASES, type StatusAnswer, type UpgradeStatus } from "@rancheros/protocol/upgrade";

import { daemonRetryDelayMs } from "../registration/index.ts";
import { LastingRefusal } from "./lasting-refusal.ts";
import type { LinkEvents } from "./link-events.ts";
import { pause, type LinkOutside } from "./link-outside.ts";

export interface StatusLoop {
  /** Of this moment. */
  readonly status: () => UpgradeStatus;
  readonly tell: (status: UpgradeStatus) => Promise<StatusAnswer>;
  /** Resolves when the status may be another, or with the signal. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  /** How often something was heard that makes the slot doubtful: told anew then, also where it is the same. */
  readonly doubts: () => number;
  /** @param why  where the operator did not say so, but refuses the machine */
  readonly onSlotLost: (planId: string, attempt: number, why?: string) => void;
  readonly events: LinkEvents;
}

interface Told {
  readonly status: UpgradeStatus;
  readonly doubts: number;
  readonly atMs: number;
  readonly againMs: number;
}

/** Messages change more often than phases, and each is a write into the cluster. */
const MESSAGE_PAUSE_MS = 30_000;
const NEVER_MS = 2 ** 31 - 1;

/** @returns with the signal. @throws what no trying again mends: what is wrong in the agent's own command line */
export async function runStatusLoop(outside: LinkOutside, loop: StatusLoop, signal: AbortSignal): Promise<void> {
  const refusal = new LastingRefusal();
  let told: Told | undefined;
  for (let failures = 0; !signal.aborted;) {
    const status = loop.status();
    const doubts = loop.doubts();
    const dueMs = dueIn(outside.nowMs(), { status, doubts }, told);
    if (dueMs > 0) {
      await pause(outside, Math.min(dueMs, NEVER_MS), signal, loop.changed);
      continue;
    }
    try {
      const answer = await loop.tell(status);
      told = { status, doubts, atMs: outside.nowMs(), againMs: answer.nextStatusInSeconds * 1000 };
      failures = 0;
      refusal.note(undefined, outside.nowMs());
      loop.events.onReached();
      if (!answer.holdsSlot) loseSlot(loop, status);
    } catch (error) {
      if (signal.aborted) return;
      const pauseMs = isCodedError(error) ? daemonRetryDelayMs(error, ++failures, outside.random()) : undefined;
      if (!isCodedError(error) || pauseMs === undefined) throw error;
      const isLasting = refusal.note(error, outside.nowMs());
      if (isLasting) loseSlot(loop, status, error.message);
      const soonerMs = isLasting || !isGranted(status) ? undefined : refusal.delayMs(outside.random());
      const delayMs = soonerMs ?? pauseMs;
      loop.events.onTrouble("status", error, delayMs);
      await outside.sleep(delayMs, signal).catch(() => undefined);
    }
  }
}

function loseSlot({ onSlotLost }: StatusLoop, status: UpgradeStatus, why?: string): void {
  const { plan, attempt } = status;
  if (plan === undefined || !isGranted(status)) return;
  if (why === undefined) onSlotLost(plan, attempt);
  else onSlotLost(plan, attempt, why);
}

function isGranted(status: UpgradeStatus): boolean {
  return status.plan !== undefined && isUnderWay(status);
}

/** With a slot, or by hand. */
function isUnderWay({ phase }: UpgradeStatus): boolean {
  return PHASES[phase].holdsSlot;
}

/** @returns in how many milliseconds it is to be told */
function dueIn(nowMs: number, { status, doubts }: Pick<Told, "status" | "doubts">, told: Told | undefined): number {
  if (told?.doubts !== doubts) return 0;
  const isSame = JSON.stringify(status) === JSON.stringify(told.status);
  if (isSame) return isUnderWay(status) ? told.atMs + told.againMs - nowMs : Number.POSITIVE_INFINITY;
  const { message: _message, ...rest } = status;
  const { message: _toldMessage, ...toldRest } = told.status;
  const isMessageOnly = JSON.stringify(rest) === JSON.stringify(toldRest);
  return isMessageOnly ? told.atMs + Math.min(MESSAGE_PAUSE_MS, told.againMs) - nowMs : 0;
}
