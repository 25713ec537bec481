/** The phases of an upgrade on a node: the one table that the agent walks, the operator judges by and the docs draw. */

export interface PhaseRow {
  /** One sentence: what the node does in it. */
  readonly meaning: string;
  /** Where it may lead. Idle is where an upgrade that was broken off before the switch ends. */
  readonly next: readonly PhaseName[];
  /** Whether the node holds a slot of its rollout. */
  readonly holdsSlot: boolean;
  /** Whether the operating system may have been switched: from here on there is no simple way back. */
  readonly mayBeSwitched: boolean;
}

type PhaseName =
  | "Idle"
  | "Granted"
  | "Staging"
  | "Preparing"
  | "Draining"
  | "Upgrading"
  | "Rebooting"
  | "Verifying"
  | "Succeeded"
  | "RolledBack"
  | "Failed";

/** Source: the operator document's rollout; system-upgrade-controller's order prepare, cordon, drain, upgrade. */
export const PHASES = {
  Idle: {
    meaning: "nothing to do, or waiting for a slot",
    next: ["Granted"],
    holdsSlot: false,
    mayBeSwitched: false,
  },
  Granted: {
    meaning: "the operator has given the node a slot",
    next: ["Staging", "Failed", "Idle"],
    holdsSlot: true,
    mayBeSwitched: false,
  },
  Staging: {
    meaning: "space is checked, the image is pulled and its layers are verified; the node still works",
    next: ["Preparing", "Draining", "Upgrading", "Succeeded", "Failed", "Idle"],
    holdsSlot: true,
    mayBeSwitched: false,
  },
  Preparing: {
    meaning: "the prepare container runs",
    next: ["Draining", "Upgrading", "Failed", "Idle"],
    holdsSlot: true,
    mayBeSwitched: false,
  },
  Draining: {
    meaning: "the node is cordoned; its pods are evicted where the image asks for a drain",
    next: ["Upgrading", "Failed", "Idle"],
    holdsSlot: true,
    mayBeSwitched: false,
  },
  Upgrading: {
    meaning: "the upgrade container runs",
    next: ["Rebooting", "Verifying", "Failed"],
    holdsSlot: true,
    mayBeSwitched: true,
  },
  Rebooting: {
    meaning: "the node starts into the new operating system",
    next: ["Verifying", "RolledBack", "Failed"],
    holdsSlot: true,
    mayBeSwitched: true,
  },
  Verifying: {
    meaning: "the upgrade container agrees that all is done, the node is Ready, its checks pass",
    next: ["Upgrading", "Rebooting", "Succeeded", "RolledBack", "Failed"],
    holdsSlot: true,
    mayBeSwitched: true,
  },
  Succeeded: {
    meaning: "the node runs the new operating system and takes pods",
    next: ["Granted", "Idle"],
    holdsSlot: false,
    mayBeSwitched: true,
  },
  RolledBack: {
    meaning: "the node runs the operating system from before again",
    next: ["Granted", "Idle"],
    holdsSlot: false,
    mayBeSwitched: true,
  },
  Failed: {
    meaning: "the upgrade went wrong, and the message says where and why",
    next: ["Granted", "Idle", "Succeeded"],
    holdsSlot: false,
    mayBeSwitched: true,
  },
} as const satisfies Readonly<Record<PhaseName, PhaseRow>>;

export type Phase = keyof typeof PHASES;

export const PHASE_NAMES = [
  "Idle",
  "Granted",
  "Staging",
  "Preparing",
  "Draining",
  "Upgrading",
  "Rebooting",
  "Verifying",
  "Succeeded",
  "RolledBack",
  "Failed",
] as const satisfies readonly Phase[];

/** Whether the table lets a node go from one phase to the other; staying in one is always allowed. */
export function mayFollow(from: Phase, to: Phase): boolean {
  const next: readonly Phase[] = PHASES[from].next;
  return from === to || next.includes(to);
}

/** Succeeded, RolledBack and Failed: the upgrade has ended, one way or another. */
export function isTerminal(phase: Phase): boolean {
  return phase === "Succeeded" || phase === "RolledBack" || phase === "Failed";
}
