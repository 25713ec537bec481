/** What an upgrade does next: decided anew each time from the journal and from what is the case now, after a kill as without. */
import { PHASES, type Phase } from "@rancheros/protocol/upgrade";

import type { Ending, Journal, Run } from "./journal.ts";
import { leftMs, type Moment } from "./moment.ts";
import { keepsImages } from "./own-images.ts";

export type Action =
  /** Whether this image is to be tried here at all. */
  | "admit"
  | "stage"
  | "prepare"
  | "drain"
  /** Runs the upgrade container. */
  | "switch"
  | "await-reboot"
  /** Finds out, in a new boot, which operating system came up. */
  | "arrive"
  /** Runs the upgrade container again, which shall agree that all is done. */
  | "confirm"
  /** Waits for the node and runs the administrator's checks. */
  | "verify"
  /** Ends what still runs, takes our own cordon away, and the images that were brought. */
  | "tidy"
  | "finish";

export type Step =
  | { readonly kind: "rest" }
  /** Comes to an end: the journal gets the ending first. */
  | { readonly kind: "end"; readonly ending: Ending }
  | { readonly kind: "act"; readonly action: Action };

export interface Facts {
  readonly now: Moment;
  /** What came up meanwhile. */
  readonly interruption: Interrupted | undefined;
}

export type Interrupted =
  | { readonly kind: "aborted" }
  /** why: undefined where the operator itself said it. */
  | { readonly kind: "slot-lost"; readonly why: string | undefined };

export function nextStep(journal: Journal, facts: Facts): Step {
  const { run } = journal;
  if (run === undefined) return { kind: "rest" };
  if (run.ending !== undefined) {
    if (isOvertaken(run, run.ending, facts.now)) return act("arrive");
    return act(isTidy(journal, run, run.ending) ? "finish" : "tidy");
  }
  const early = earlyEnding(run, facts);
  if (early !== undefined) return { kind: "end", ending: early };
  return act(actionOf(run, facts.now));
}

function act(action: Action): Step {
  return { kind: "act", action };
}

/** That all is well was said of another boot: after a power cut another operating system may run. Other endings stay. */
function isOvertaken({ switched }: Run, { phase }: Ending, now: Moment): boolean {
  return phase === "Succeeded" && switched !== undefined && switched.bootId !== now.bootId;
}

function isTidy({ cordon, images }: Journal, run: Run, ending: Ending): boolean {
  const isUncordoned = cordon === "none" || ending.keepsCordon;
  return run.container === undefined && isUncordoned && (images.length === 0 || keepsImages(ending));
}

/** Before the switch an upgrade can be broken off at any moment; after it only its own result counts. */
function earlyEnding(run: Run, { now, interruption }: Facts): Ending | undefined {
  if (PHASES[run.phase].mayBeSwitched) return undefined;
  const undone = { message: undefined, keepsCordon: false, blamesImage: false };
  if (interruption?.kind === "aborted") {
    const message = `broken off by hand in ${run.phase}`;
    return { ...undone, phase: "Idle", reason: { code: "UPGRADE_ABORTED", message } };
  }
  if (interruption?.kind === "slot-lost") {
    const { why } = interruption;
    const message = `the operator took the slot back in ${run.phase}${why === undefined ? "" : `: ${why}`}`;
    return { ...undone, phase: "Idle", reason: { code: "UPGRADE_SLOT_LOST", message } };
  }
  if (leftMs(run, now) > 0) return undefined;
  const waited = run.lastError?.message ?? run.message;
  const message = `not ready to be switched after ${run.order.plan.timeoutSeconds} s, in ${run.phase}`;
  const reason = { code: "UPGRADE_TIMED_OUT", message: waited === undefined ? message : `${message}: ${waited}` };
  return { ...undone, phase: "Failed", reason };
}

/** By phase: in the boot in which the upgrade container was started, and in a later one. Others have an ending. */
const ACTIONS: Readonly<Record<Phase, readonly [sameBoot: Action, newBoot: Action]>> = {
  Idle: ["finish", "finish"],
  Granted: ["admit", "admit"],
  Staging: ["stage", "stage"],
  Preparing: ["prepare", "prepare"],
  Draining: ["drain", "drain"],
  Upgrading: ["switch", "arrive"],
  Rebooting: ["await-reboot", "arrive"],
  Verifying: ["confirm", "arrive"],
  Succeeded: ["finish", "finish"],
  RolledBack: ["finish", "finish"],
  Failed: ["finish", "finish"],
};

function actionOf({ phase, switched }: Run, now: Moment): Action {
  const isNewBoot = switched !== undefined && switched.bootId !== now.bootId;
  if (phase === "Verifying" && !isNewBoot && switched?.isConfirmed === true) return "verify";
  return ACTIONS[phase][isNewBoot ? 1 : 0];
}
