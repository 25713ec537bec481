/** What this machine remembers of its upgrades: enough to go on after a kill or a power cut, without the operator. */
import type { Phase, Plan, PlanName } from "@rancheros/protocol/upgrade";

import type { RuntimeIdentity } from "../containers/index.ts";
import type { BootSlot } from "./boot-slot.ts";

export const JOURNAL_VERSION = 1;
/** Endings that are remembered. */
export const HISTORY_MAX = 20;
export const FAILED_DIGESTS_MAX = 20;
/** A phase can be entered again after a restart. */
export const TRAIL_MAX = 32;
/** Of an upgrade there are two at most, and of an earlier one as many may be left. */
export const IMAGES_MAX = 8;

/** What is to be done. Secrets in it leave the journal when the upgrade ends. */
export interface Order {
  readonly plan: Plan;
  /** Asked for on this machine: no operator knows of it, and there is no slot to lose. */
  readonly isByHand: boolean;
  /** The machine's cloud config stays as it is, whatever the plan says. */
  readonly keepsCloudConfig: boolean;
}

/** What an upgrade was about, when the rest of its order is forgotten. */
export interface Subject {
  readonly planId: string;
  /** The ManagedOSImage. */
  readonly image: string;
  readonly attempt: number;
  readonly isByHand: boolean;
  readonly osImage: string;
  /** sha256:... */
  readonly digest: string;
}

export interface Reason {
  /** Of docs/errors.md. */
  readonly code: string;
  /** One sentence for people. */
  readonly message: string;
}

/** How an upgrade is to end as soon as what it leaves behind is in order. */
export interface Ending {
  readonly phase: "Idle" | "Succeeded" | "RolledBack" | "Failed";
  readonly reason: Reason | undefined;
  /** One sentence for people where there is no reason. */
  readonly message: string | undefined;
  /** The node is not fit for pods, and stays cordoned if it is. */
  readonly keepsCordon: boolean;
  /** Whether the image is to blame, and not to be tried again by itself. */
  readonly blamesImage: boolean;
}

/** Everything about the switch of the operating system. */
export interface Switch {
  /** The boot in which the upgrade container was started, or the newest that followed. */
  readonly bootId: string;
  /** Restarts that the upgrade container asked for, as far as it was seen; of a slot in Rebooting none where its trial was called off. */
  readonly rebootRequests: number;
  /** Times that it was started. */
  readonly runs: number;
  /** Restarts of the machine since, whoever asked for them. */
  readonly boots: number;
  readonly startedFrom: BootSlot;
  /** As far as is known: after a power cut in the midst of the upgrade container too. */
  readonly runsOld: boolean;
  /** It has agreed that all is done. */
  readonly isConfirmed: boolean;
}

/** The release files by which operating systems are told apart. */
export interface Releases {
  /** Where both have it. */
  readonly path: string;
  /** SHA-256 of that of the operating system from before; undefined where it has none. */
  readonly old: string | undefined;
  /** Of the image. */
  readonly new: string | undefined;
}

/** An upgrade under way. */
export interface Run {
  readonly order: Order;
  readonly phase: Phase;
  /** By the wall clock, for people only. */
  readonly sinceMs: number;
  readonly startedMs: number;
  /** What it waits for, or what it has done. */
  readonly message: string | undefined;
  /** What went wrong last and is tried again. */
  readonly lastError: Reason | undefined;
  /** Time used before the switch, up to the mark. */
  readonly spentMs: number;
  /** Where the clock that no one sets stood at the last write: time since the boot. */
  readonly mark: { readonly bootId: string; readonly uptimeMs: number };
  /** Each phase that was entered, and in which boot. */
  readonly trail: readonly { readonly phase: Phase; readonly bootId: string; readonly atMs: number }[];
  /** The container that runs, or ran last. */
  readonly container: string | undefined;
  /** What runs its containers and has its images: no other one is asked about them, also not while this one starts. */
  readonly runtime: RuntimeIdentity | undefined;
  /** From Staging on. */
  readonly releases: Releases | undefined;
  /** The slot that was written, from the end of Staging on; undefined where an upgrade container does it. */
  readonly target: "a" | "b" | undefined;
  /** From Upgrading on. */
  readonly switched: Switch | undefined;
  readonly ending: Ending | undefined;
}

/** An upgrade that has ended. */
export interface Ended {
  readonly subject: Subject;
  readonly phase: Ending["phase"];
  readonly reason: Reason | undefined;
  readonly message: string | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly bootId: string;
}

export interface FailedDigest {
  readonly digest: string;
  readonly planId: string;
  readonly attempt: number;
  readonly code: string;
  readonly atMs: number;
}

/** A rollback that somebody has asked for by hand: it comes with the next restart, and is over with it. */
export interface AskedRollback {
  /** What the boot loader starts next: `slot b`, or an entry of its menu. */
  readonly entry: string;
  /** The boot in which it was asked for. */
  readonly bootId: string;
  readonly askedMs: number;
}

export interface OwnImage {
  /** repository@sha256:... */
  readonly reference: string;
}

export interface Journal {
  readonly version: typeof JOURNAL_VERSION;
  readonly run: Run | undefined;
  /** Written before the boot loader is told. An upgrade that comes meanwhile waits. */
  readonly rollback: AskedRollback | undefined;
  /**
   * Of the cordon of this node: `intended` is written before it is set, `ours` when it was. Only then it is undone. A run that
   * leaves the node cordoned leaves this behind for the next. After a journal that was broken it is `intended`: nobody knows.
   * So it is during a drain of a node that others have cordoned: they may lift that, and the drain sets ours.
   * After one that is gone it is `none`, and who drains knows the agent's cordon by its name.
   */
  readonly cordon: "none" | "intended" | "ours";
  /** On this machine only because upgrades brought them, or were about to: written before, and until they are gone. */
  readonly images: readonly OwnImage[];
  /** Newest first. */
  readonly history: readonly Ended[];
  /** Newest first. */
  readonly failedDigests: readonly FailedDigest[];
  readonly lastSucceededPlan: string | undefined;
}

export const EMPTY_JOURNAL: Journal = {
  version: JOURNAL_VERSION,
  run: undefined,
  rollback: undefined,
  cordon: "none",
  images: [],
  history: [],
  failedDigests: [],
  lastSucceededPlan: undefined,
};

/** Of an operator: its word holds for the cloud config too. */
export function orderOfPlan(plan: Plan): Order {
  return { plan, isByHand: false, keepsCloudConfig: false };
}

export function subjectOf({ plan, isByHand }: Order): Subject {
  return subjectOfPlan(plan, isByHand);
}

export function subjectOfPlan({ id, image, attempt, osImage, reference }: PlanName, isByHand: boolean): Subject {
  return { planId: id, image, attempt, isByHand, osImage, digest: digestOf(reference) };
}

/** @param reference  repository@sha256:... */
export function digestOf(reference: string): string {
  return reference.slice(reference.indexOf("@") + 1);
}
