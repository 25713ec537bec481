/** How many rollouts stand how, and how far their machines are: what is shown to who watches the operator. */
import { ROLLOUT_STATES, type ManagedOSImage } from "@rancheros/protocol/resources";

export type RolloutStateName = (typeof ROLLOUT_STATES)[number];
/** Where a machine stands with the image that has it. */
export const ROLLOUT_STANDINGS = ["updated", "updating", "failed", "refused", "pending"] as const;

export interface RolloutCounts {
  readonly states: Readonly<Record<RolloutStateName, number>>;
  readonly machines: Readonly<Record<(typeof ROLLOUT_STANDINGS)[number], number>>;
}

/**
 * @param images  all that can be read; one whose status says nothing yet is being resolved
 * @param unread  how many cannot
 */
export function rolloutCounts(images: Iterable<ManagedOSImage>, unread: number): RolloutCounts {
  const states = new Map<string, number>(ROLLOUT_STATES.map((state) => [state, 0]));
  states.set("Invalid", unread);
  const machines = { updated: 0, updating: 0, failed: 0, refused: 0, pending: 0 };
  for (const { status } of images) {
    const state = status?.state ?? "Resolving";
    states.set(state, (states.get(state) ?? 0) + 1);
    for (const standing of ROLLOUT_STANDINGS) machines[standing] += status?.[standing] ?? 0;
  }
  const of = (state: RolloutStateName): readonly [RolloutStateName, number] => [state, states.get(state) ?? 0];
  return { states: recordOf(ROLLOUT_STATES.map(of)), machines };
}

function recordOf(entries: readonly (readonly [RolloutStateName, number])[]): RolloutCounts["states"] {
  const counts = { ...NONE };
  for (const [state, count] of entries) counts[state] = count;
  return counts;
}

const NONE: RolloutCounts["states"] = {
  Resolving: 0,
  Refused: 0,
  Progressing: 0,
  Soaking: 0,
  Complete: 0,
  Paused: 0,
  Suspended: 0,
  WindowClosed: 0,
  Halted: 0,
  NoMachines: 0,
  Conflict: 0,
  Invalid: 0,
};
