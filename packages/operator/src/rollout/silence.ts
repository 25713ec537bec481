/** How long what a machine said last counts. */
import { SESSION_LIFETIME_MS } from "@rancheros/protocol/attestation";
import { isUnderWay } from "./machine-place.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

/** A machine that is well speaks so often; its word is written only where the last one is as old, unless it is news. */
export const SPEAKS_EVERY_MS = 10 * 60_000;
/** The word of a machine that is well is up to twice as old as that, whatever the image's nodeTimeout. */
const HEARD_WITHIN_MS = 3 * SPEAKS_EVERY_MS;

/**
 * A machine that is well attests anew each quarter of an hour at the latest, and that it was seen is written then unless
 * that is ten minutes old at most.
 */
const SEEN_WITHIN_MS = 3 * SESSION_LIFETIME_MS;

/**
 * Whether it is a node that is off, or cut off, as far as that is known: one of which nothing says when it was seen may be
 * well, and run no agent; one that never was a node may stand in a rack until it is needed. Of a time to come nobody
 * knows what it was.
 */
export function isOff({ rollout: { lastSeenMs, nodeName } }: RolloutMachine, nowMs: number): boolean {
  if (lastSeenMs === undefined || nodeName === undefined) return false;
  return nowMs - lastSeenMs > SEEN_WITHIN_MS || lastSeenMs > nowMs + SPEAKS_EVERY_MS;
}

/** How long a word counts at least: no machine that is well is silent for so long. */
export function patienceMs(nodeTimeoutMs: number): number {
  return Math.max(nodeTimeoutMs, HEARD_WITHIN_MS);
}

/**
 * Since when it has said nothing of its upgrade; of one that never did, since 1970. So too where it was heard in a time to
 * come: the clock was wrong, and nobody knows when. One that speaks is heard anew, see wordUrgency in inventory.
 */
export function silentMs({ rollout: { upgrade } }: RolloutMachine, nowMs: number): number {
  const heardMs = upgrade?.heardMs ?? 0;
  return heardMs > nowMs + SPEAKS_EVERY_MS ? nowMs : nowMs - heardMs;
}

/** Whether it is in the middle of an upgrade, with a slot or without, and has said so not too long ago. */
export function isBusy(machine: RolloutMachine, nowMs: number, nodeTimeoutMs: number): boolean {
  return isUnderWay(machine) && silentMs(machine, nowMs) < patienceMs(nodeTimeoutMs);
}
