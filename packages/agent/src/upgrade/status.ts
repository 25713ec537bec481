/** What the operator is told of an upgrade on this machine. */
import { PROTOCOL_VERSION } from "@rancheros/protocol/attestation";
import { STATUS_MESSAGE_MAX_CHARACTERS, type UpgradeStatus } from "@rancheros/protocol/upgrade";

import { cutMessage, reasonFrom } from "./journal-edits.ts";
import { subjectOf, type Journal, type Reason, type Run, type Subject } from "./journal.ts";

/**
 * Of the upgrade under way, or of the last one that ended.
 * @param trouble        what keeps the machine from going on with it
 * @param planTrouble    why it cannot begin with what the operator wants now
 * @param brokenJournal  what became of a journal that was broken; hides nothing else
 * @param idleMessage    for a machine that never had an upgrade
 */
export function statusOf(
  { run, history }: Journal,
  bootId: string,
  { trouble, planTrouble, brokenJournal, idleMessage }: StatusTroubles = {},
): UpgradeStatus {
  const [last] = history;
  if (run !== undefined) {
    return {
      ...about(subjectOf(run.order)),
      phase: run.phase,
      ...also(said(reasonOf(run, trouble), run.ending?.message ?? run.message), brokenJournal),
      bootId,
    };
  }
  if (last !== undefined) {
    const reason = withPlanTrouble(last.reason, planTrouble);
    return { ...about(last.subject), phase: last.phase, ...also(said(reason, last.message), brokenJournal), bootId };
  }
  const nothing = { plan: undefined, image: undefined, attempt: 0, digest: undefined };
  const word = also(said(planTrouble, idleMessage), brokenJournal);
  return { protocol: PROTOCOL_VERSION, ...nothing, phase: "Idle", ...word, bootId };
}

interface StatusTroubles {
  readonly trouble?: Reason | undefined;
  readonly planTrouble?: Reason | undefined;
  readonly brokenJournal?: Reason | undefined;
  readonly idleMessage?: string | undefined;
}

/** How the last upgrade went wrong is not hidden by what keeps the next one from beginning. */
function withPlanTrouble(ended: Reason | undefined, planTrouble: Reason | undefined): Reason | undefined {
  if (ended === undefined || planTrouble === undefined) return ended ?? planTrouble;
  if (ended.code === planTrouble.code && ended.message === planTrouble.message) return ended;
  return reasonFrom({ code: ended.code, message: alsoMessage(ended.message, planTrouble) });
}

type Said = Pick<UpgradeStatus, "reason" | "message">;

function also({ reason, message }: Said, trouble: Reason | undefined): Said {
  if (trouble === undefined) return { reason, message };
  const both = message === undefined ? trouble.message : alsoMessage(message, trouble);
  return { reason: reason ?? trouble.code, message: cutMessage(both) };
}

function alsoMessage(message: string, { code, message: troubleMessage }: Reason): string {
  const rest = `; ${troubleMessage} (${code})`.slice(0, STATUS_MESSAGE_MAX_CHARACTERS / 2);
  return message.slice(0, STATUS_MESSAGE_MAX_CHARACTERS - rest.length) + rest;
}

/** What is wrong with an upgrade under way: why it ends, and what still has to be undone and cannot be. */
export function reasonOf({ ending, lastError }: Run, trouble: Reason | undefined): Reason | undefined {
  // Why it ends is not hidden by what cannot be undone yet, which the agent meets again and again.
  const isOfUndoing = ending !== undefined && lastError !== undefined && trouble?.message === lastError.message;
  if (trouble !== undefined && !isOfUndoing) return trouble;
  if (ending === undefined || lastError === undefined) return ending?.reason ?? lastError;
  const { code, message } = ending.reason ?? { code: lastError.code, message: `it ends as ${ending.phase}` };
  const why = `${lastError.message.slice(0, STATUS_MESSAGE_MAX_CHARACTERS / 2)} (${lastError.code})`;
  const waits = `; what it leaves behind is not in order yet: ${why}; ${WHAT_ENDS_IT}`;
  return reasonFrom({ code, message: message.slice(0, STATUS_MESSAGE_MAX_CHARACTERS - waits.length) + waits });
}

const WHAT_ENDS_IT = "it is tried again until that is mended, or ros-agent abort on the machine ends the waiting";

function about({ isByHand, planId, image, attempt, digest }: Subject) {
  const plan = isByHand ? { plan: undefined, image: undefined, attempt: 0 } : { plan: planId, image, attempt };
  return { protocol: PROTOCOL_VERSION, ...plan, digest };
}

function said(reason: Reason | undefined, message: string | undefined): Said {
  return { reason: reason?.code, message: reason?.message ?? message };
}
