/** What becomes of slots that are held: kept, given back, or lost. Everything comes from what the machine has said. */
import { AGENT_SILENT_MAX_MS, isTerminal } from "@rancheros/protocol/upgrade";
import { ALWAYS_HEARD, type Heard } from "./hearing.ts";
import type { Failure, Slot } from "./slot.ts";
import { isAbout } from "./machine-place.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import { notAhead, timeText } from "./time-text.ts";

export const FAILURE_MESSAGE_MAX = 256;
/** A machine that goes on saying that it is under way may take so many times its nodeTimeout. */
const UNDER_WAY_TIMES = 2;

/** From when it can be heard a machine has so long to speak, its registration and report included. */
const SPEAK_MS = AGENT_SILENT_MAX_MS + 60_000;

/** A machine's reason where it broke off because the operator said that it holds no slot; see docs/errors.md. */
const SLOT_LOST = "UPGRADE_SLOT_LOST";

/** After so long a machine that was told to begin has said so. */
const BEGIN_MS = 60_000;

/** What is known of the machine that holds the slot. */
export type Holder =
  | { readonly kind: "known"; readonly machine: RolloutMachine; readonly isClaimed: boolean }
  /** Seen to be deleted. */
  | { readonly kind: "gone" }
  /** Not known here: it may have been made a moment ago. From goneAtMs on it counts as gone. */
  | { readonly kind: "unknown"; readonly goneAtMs: number };

export type SlotFate =
  | {
      readonly kind: "kept";
      /** When it is lost unless the machine is heard of. */
      readonly untilMs: number;
      /** Since when it would be lost, had the machine been able to speak. */
      readonly overdueAt?: string;
    }
  | { readonly kind: "returned" }
  | { readonly kind: "failed"; readonly failure: Failure };

function failureOf(slot: Slot, nowMs: number, reason: string, message: string): SlotFate {
  const { machine, uid, attempt, retry } = slot;
  return {
    kind: "failed",
    failure: {
      machine,
      uid,
      attempt,
      time: timeText(nowMs),
      reason,
      message: message.slice(0, FAILURE_MESSAGE_MAX).toWellFormed(),
      ...(retry === undefined ? {} : { retry }),
    },
  };
}

/** When a machine was last heard of that holds the slot; a time to come, as of a clock that was wrong, is the present. */
function heardMs(slot: Slot, machine: RolloutMachine | undefined, image: string, nowMs: number): number {
  const grantedMs = Date.parse(slot.grantedAt);
  if (machine === undefined || !isAbout(machine, image, slot)) return grantedMs;
  const { heardMs: heard, sinceMs } = machine.rollout.upgrade ?? {};
  return Math.max(grantedMs, Math.min(nowMs, Math.max(heard ?? 0, sinceMs ?? 0)));
}

interface Timing {
  readonly nowMs: number;
  readonly nodeTimeoutMs: number;
  /** Since when what it says could be heard; absent: always. */
  readonly heard?: Heard;
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** By the clock: kept, or lost to a machine that is silent or does not come to an end. */
function byClock(slot: Slot, machine: RolloutMachine | undefined, image: string, timing: Timing): SlotFate {
  const { nowMs, nodeTimeoutMs, heard = ALWAYS_HEARD } = timing;
  const silentFromMs = heardMs(slot, machine, image, nowMs) + nodeTimeoutMs;
  const grantedMs = Date.parse(slot.grantedAt);
  const overFromMs = grantedMs + heard.putForwardMs(grantedMs) + UNDER_WAY_TIMES * nodeTimeoutMs;
  const untilMs = Math.min(silentFromMs, overFromMs);
  if (nowMs < untilMs) return { kind: "kept", untilMs };
  // Counted from when that was first found: an operator that is restarted all the time gives nobody more of it.
  const overdueAt = notAhead(slot.overdueAt ?? timeText(nowMs), nowMs);
  const overdueMs = Date.parse(overdueAt);
  const spokenFromMs = Math.min(heard.sinceMs, overdueMs + heard.putForwardMs(overdueMs));
  const spokenByMs = spokenFromMs + Math.min(nodeTimeoutMs, SPEAK_MS);
  if (nowMs < spokenByMs) return { kind: "kept", untilMs: spokenByMs, overdueAt };
  const phase = machine !== undefined && isAbout(machine, image, slot) ? machine.rollout.upgrade?.phase : undefined;
  const message =
    silentFromMs <= overFromMs
      ? `not heard of for ${minutes(nodeTimeoutMs)}, last in phase ${phase ?? "Granted"}`
      : `still in phase ${phase ?? "Granted"} after ${minutes(UNDER_WAY_TIMES * nodeTimeoutMs)}`;
  return failureOf(slot, nowMs, "ROLLOUT_NODE_TIMEOUT", message);
}

/** What the machine itself says of this grant. */
function byWord(slot: Slot, machine: RolloutMachine, isWanted: boolean, nowMs: number): SlotFate | undefined {
  const { upgrade } = machine.rollout;
  if (upgrade === undefined) return undefined;
  if (upgrade.phase === "Succeeded") return { kind: "returned" };
  if (isTerminal(upgrade.phase)) {
    return failureOf(slot, nowMs, upgrade.reason ?? upgrade.phase, upgrade.message ?? `phase ${upgrade.phase}`);
  }
  if (upgrade.phase !== "Idle") return undefined;
  // Broken off because the operator wanted it so, or by somebody on the machine, who is to say when it goes on.
  if (!isWanted || upgrade.reason === SLOT_LOST) return { kind: "returned" };
  const message = upgrade.message ?? "broken off on the machine";
  return failureOf(slot, nowMs, upgrade.reason ?? "ROLLOUT_BROKEN_OFF", message);
}

/**
 * Whether the machine was told to begin a while ago, and has not: its answer was lost, or it was switched off. It may begin
 * still, but not where no machine may any more.
 */
export function isLateToBegin(slot: Slot, machine: RolloutMachine, image: string, nowMs: number): boolean {
  return !isAbout(machine, image, slot) && nowMs - Date.parse(slot.grantedAt) > BEGIN_MS;
}

/** From when on the slot is given back of a machine that the image is not for any more, and that has not begun; undefined for others. */
function forgoneFromMs(slot: Slot, holder: Holder, image: string): number | undefined {
  const isForgone = holder.kind === "known" && !holder.isClaimed && !isAbout(holder.machine, image, slot);
  return isForgone ? Date.parse(slot.grantedAt) + BEGIN_MS + 1 : undefined;
}

/**
 * @param image  name of the ManagedOSImage
 * @param plan   what it is about now; a slot of an earlier plan fails nothing
 */
export function slotFate(
  slot: Slot,
  holder: Holder,
  image: string,
  plan: string | undefined,
  timing: Timing,
): SlotFate {
  if (holder.kind === "gone") return { kind: "returned" };
  const machine = holder.kind === "known" ? holder.machine : undefined;
  const isWanted = slot.plan === plan && (holder.kind === "unknown" || holder.isClaimed);
  const said =
    machine !== undefined && isAbout(machine, image, slot) ? byWord(slot, machine, isWanted, timing.nowMs) : undefined;
  const returnsAtMs = forgoneFromMs(slot, holder, image) ?? Number.POSITIVE_INFINITY;
  if (timing.nowMs >= returnsAtMs) return { kind: "returned" };
  const fate = said ?? byClock(slot, machine, image, timing);
  if (fate.kind === "failed" && !isWanted) return { kind: "returned" };
  return fate.kind === "kept" ? { ...fate, untilMs: Math.min(fate.untilMs, returnsAtMs) } : fate;
}
