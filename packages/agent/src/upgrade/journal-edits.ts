/** The changes that a journal goes through. Each gives a new journal, and none that the table of phases does not allow. */
import {
  isTerminal,
  mayFollow,
  PHASES,
  STATUS_MESSAGE_MAX_CHARACTERS,
  type Phase,
  type Plan,
} from "@rancheros/protocol/upgrade";

import { UpgradeError } from "./errors.ts";
import {
  FAILED_DIGESTS_MAX,
  HISTORY_MAX,
  IMAGES_MAX,
  subjectOf,
  TRAIL_MAX,
  type Ended,
  type Ending,
  type FailedDigest,
  type Journal,
  type Order,
  type Reason,
  type Run,
} from "./journal.ts";
import { spentMs, type Moment } from "./moment.ts";

/** What changes in a run without a change of its phase. */
export type RunNote = Partial<
  Pick<Run, "message" | "lastError" | "container" | "runtime" | "releases" | "target" | "switched">
>;

/** @throws UpgradeError UPGRADE_UNDER_WAY */
export function startRun(journal: Journal, order: Order, now: Moment): Journal {
  if (journal.run !== undefined) throw new UpgradeError("UPGRADE_UNDER_WAY", "another upgrade is under way");
  const run: Run = {
    order,
    phase: "Granted",
    sinceMs: now.wallMs,
    startedMs: now.wallMs,
    message: undefined,
    lastError: undefined,
    spentMs: 0,
    mark: { bootId: now.bootId, uptimeMs: now.uptimeMs },
    trail: [{ phase: "Granted", bootId: now.bootId, atMs: now.wallMs }],
    container: undefined,
    runtime: undefined,
    releases: undefined,
    target: undefined,
    switched: undefined,
    ending: undefined,
  };
  return { ...journal, run };
}

/**
 * The same plan was granted anew, or changed in how it is to be done, while it is carried out. From the switch on that is done
 * which was begun, and only of the newer grant is told.
 */
export function adoptPlan(journal: Journal, told: Plan, now: Moment): Journal {
  const run = marked(journal, now);
  const plan = PHASES[run.phase].mayBeSwitched ? { ...run.order.plan, attempt: told.attempt } : told;
  return { ...journal, run: { ...run, order: { ...run.order, plan } } };
}

/** @throws UpgradeError UPGRADE_DEFECT for a step that the table of phases does not have */
export function enter(journal: Journal, phase: Phase, now: Moment, note: RunNote = {}): Journal {
  const run = marked(journal, now);
  if (!mayFollow(run.phase, phase) || isTerminal(phase)) {
    throw new UpgradeError("UPGRADE_DEFECT", `an upgrade cannot go from ${run.phase} to ${phase}`);
  }
  if (run.phase === phase) return { ...journal, run: { ...run, ...cut(note) } };
  const step = { phase, bootId: now.bootId, atMs: now.wallMs };
  const entered: Run = {
    ...run,
    phase,
    sinceMs: now.wallMs,
    message: undefined,
    lastError: undefined,
    // Until the switch all phases share the plan's time; after it each has as much of its own.
    spentMs: PHASES[phase].mayBeSwitched ? 0 : run.spentMs,
    trail: [...run.trail, step].slice(-TRAIL_MAX),
    ...cut(note),
  };
  return { ...journal, run: entered };
}

export function note(journal: Journal, changes: RunNote, now: Moment): Journal {
  return { ...journal, run: { ...marked(journal, now), ...cut(changes) } };
}

/** Where it comes to an end; what it leaves behind is put in order first. The first ending stays. */
export function decideEnding(journal: Journal, ending: Ending, now: Moment): Journal {
  const run = marked(journal, now);
  if (run.ending !== undefined) return journal;
  if (!mayFollow(run.phase, ending.phase)) {
    throw new UpgradeError("UPGRADE_DEFECT", `an upgrade cannot end as ${ending.phase} in ${run.phase}`);
  }
  const message = ending.message === undefined ? undefined : cutMessage(ending.message);
  const reason = ending.reason === undefined ? undefined : cutReason(ending.reason);
  return { ...journal, run: { ...run, lastError: undefined, ending: { ...ending, message, reason } } };
}

/** Whatever was said of an earlier boot is found out anew in this one, with a phase's whole time for it. */
export function reopen(journal: Journal, now: Moment): Journal {
  const run = marked(journal, now);
  return run.ending === undefined ? journal : { ...journal, run: { ...run, spentMs: 0, ending: undefined } };
}

/**
 * Nobody waits any longer for what cannot be put in order. A cordon of ours stays in the journal, for the next upgrade to take
 * away; a container too is found by the next one.
 */
export function leaveAsItIs(journal: Journal, now: Moment): Journal {
  const run = marked(journal, now);
  if (run.ending === undefined) return journal;
  const ending = { ...run.ending, keepsCordon: true };
  return { ...journal, run: { ...run, container: undefined, lastError: undefined, ending } };
}

/** The run becomes a line of the history; its plan, with the secrets in it, is forgotten. */
export function finish(journal: Journal, now: Moment): Journal {
  const { ending, order, startedMs } = runOf(journal);
  if (ending === undefined) throw new UpgradeError("UPGRADE_DEFECT", "an upgrade cannot be finished without an ending");
  const subject = subjectOf(order);
  const { phase, reason, message } = ending;
  const ended: Ended = { subject, phase, reason, message, startedMs, endedMs: now.wallMs, bootId: now.bootId };
  const others = journal.failedDigests.filter(({ digest }) => digest !== subject.digest);
  const failed: FailedDigest = {
    digest: subject.digest,
    planId: subject.planId,
    attempt: subject.attempt,
    code: reason?.code ?? "UPGRADE_DEFECT",
    atMs: now.wallMs,
  };
  return {
    ...journal,
    run: undefined,
    history: [ended, ...journal.history].slice(0, HISTORY_MAX),
    failedDigests: ending.blamesImage
      ? [failed, ...others].slice(0, FAILED_DIGESTS_MAX)
      : phase === "Succeeded"
        ? others
        : journal.failedDigests,
    lastSucceededPlan: phase === "Succeeded" ? subject.planId : journal.lastSucceededPlan,
  };
}

export function setCordon(journal: Journal, cordon: Journal["cordon"]): Journal {
  return { ...journal, cordon };
}

/** Before it comes onto the machine. */
export function rememberImage(journal: Journal, reference: string): Journal {
  if (hasImage(journal, reference)) return journal;
  return { ...journal, images: [...journal.images, { reference }].slice(-IMAGES_MAX) };
}

/** When it is gone, or is no matter of this upgrade any more. */
export function forgetImage(journal: Journal, reference: string): Journal {
  return { ...journal, images: journal.images.filter((one) => one.reference !== reference) };
}

export function hasImage({ images }: Journal, reference: string): boolean {
  return images.some((one) => one.reference === reference);
}

export function cutMessage(text: string): string {
  return text.toWellFormed().slice(0, STATUS_MESSAGE_MAX_CHARACTERS).toWellFormed();
}

export function reasonFrom(error: { readonly code: string; readonly message: string }): Reason {
  return cutReason({ code: error.code, message: error.message });
}

function cutReason({ code, message }: Reason): Reason {
  return { code, message: cutMessage(message) || code };
}

function cut(changes: RunNote): RunNote {
  return changes.message === undefined ? changes : { ...changes, message: cutMessage(changes.message) };
}

/** @throws UpgradeError UPGRADE_DEFECT where none is under way */
export function runOf(journal: Journal): Run {
  if (journal.run !== undefined) return journal.run;
  throw new UpgradeError("UPGRADE_DEFECT", "no upgrade is under way");
}

/** With the time until now counted. */
function marked(journal: Journal, now: Moment): Run {
  const run = runOf(journal);
  return { ...run, spentMs: spentMs(run, now), mark: { bootId: now.bootId, uptimeMs: now.uptimeMs } };
}
