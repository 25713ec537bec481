/** The daemon's talk with the operator. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";
import type { PlanAnswer, UpgradeStatus } from "@rancheros/protocol/upgrade";

import type { AgentSession } from "./agent-session.ts";
import {
  askPlan,
  Grants,
  HeardWord,
  PlanTrouble,
  runPlanLoop,
  runStatusLoop,
  SlotDoubt,
  tellStatus,
  UnheardResult,
} from "./operator-link/index.ts";
import type { LinkOutside, UnreadablePlan } from "./operator-link/index.ts";
import { isMachineRefused, reportMachine, type OwnReport, type SessionKeeper } from "./registration/index.ts";
import { lookAtNode, reasonFrom, statusOf } from "./upgrade/index.ts";
import type { Journal, Upgrades } from "./upgrade/index.ts";

export interface DaemonOperator {
  readonly keeper: SessionKeeper;
  /** @param node  undefined where the machine is none, or cannot ask */
  readonly readReport: (node: MachineNode | undefined) => Promise<OwnReport>;
}

/** For a look at the node that nothing depends on. */
const NODE_LOOK_MS = 10_000;
/** After so long the operator's other replicas know as well what one has heard. */
const REPLICAS_MS = 1_000;

/** What `status` shows of the talk with the operator. */
export interface LinkState {
  reachedMs: number | undefined;
  trouble: string | undefined;
  answer: PlanAnswer | undefined;
  readonly planTrouble: PlanTrouble;
  readonly grants: Grants;
}

export function newLinkState({ upgrades, machine }: AgentSession, log: (message: string) => void): LinkState {
  const planTrouble = new PlanTrouble();
  const grants = new Grants({ upgrades, now: () => machine.host.now(), planTrouble, log });
  return { reachedMs: undefined, trouble: undefined, answer: undefined, planTrouble, grants };
}

export function linkOutside({ machine }: AgentSession): LinkOutside {
  const { host } = machine;
  return {
    nowMs: () => performance.now(),
    random: () => host.random(),
    sleep: (delayMs, signal) => host.sleep(delayMs, signal),
  };
}

/** Plan, status, report: each at its own pace, in one session. They end with the signal. */
export function linkLoops(
  session: AgentSession,
  { keeper, readReport }: DaemonOperator,
  link: LinkState,
  log: (message: string) => void,
  signal: AbortSignal,
): Promise<void>[] {
  const { upgrades, machine } = session;
  const { host, node } = machine;
  const { planTrouble, grants } = link;
  const outside = linkOutside(session);
  const unheard = new UnheardResult(outside);
  const status = (): UpgradeStatus =>
    statusOf(unheard.journal(grants.journal()), host.now().bootId, {
      trouble: upgrades.trouble(),
      planTrouble: planTrouble.present,
      brokenJournal: upgrades.brokenJournal,
      idleMessage: machine.lastReset,
    });
  const heard = new HeardWord();
  const doubt = new SlotDoubt();
  let toldAgain: string | undefined;
  let nodeTrouble: string | undefined;
  const events = {
    onReached: () => {
      if (link.trouble !== undefined) log("the operator answers again");
      link.reachedMs = host.now().wallMs;
      link.trouble = undefined;
    },
    onTrouble: (what: string, error: unknown, delayMs: number) => {
      if (what === "plan" && isMachineRefused(error)) doubt.compare(undefined, upgrades.journal().run);
      const message = describe(error);
      // Once for each trouble, not for each attempt.
      if (link.trouble !== message) log(`${message}; trying again in ${Math.round(delayMs / 1000)} s`);
      link.trouble = message;
    },
  };
  const onAnswer = async (answer: PlanAnswer): Promise<void> => {
    const { waiting } = answer;
    if (waiting !== undefined && waiting.reason !== link.answer?.waiting?.reason) log(`no plan: ${waiting.message}`);
    link.answer = answer;
    doubt.compare(answer.plan, upgrades.journal().run);
    await grants.answered(answer);
    unheard.offered(answer.plan, grants.journal());
  };
  // A plan that says which one it is ends, so that its slot comes back at once.
  const onUnreadable = async (error: UnreadablePlan): Promise<void> => {
    const { plan } = error;
    events.onReached();
    link.answer = undefined;
    if (plan !== undefined) {
      await grants.refuse(plan, reasonFrom(error));
      unheard.offered(plan, grants.journal());
    } else if (planTrouble.note(reasonFrom(error))) log(describe(error));
  };
  return [
    runPlanLoop(
      outside,
      {
        ask: (last) => askPlan(keeper, last),
        onAnswer,
        onUnreadable,
        onPlan: async (plan) => {
          const { kind } = await grants.offer(plan);
          if (kind === "start") log(`granted: ${plan.osImage} (attempt ${plan.attempt})`);
          if (kind === "adopt") log(`granted anew, or changed: ${plan.osImage} (attempt ${plan.attempt})`);
        },
        // An operator that has not heard of the end yet tells the same plan once more, and to come back late.
        rested: async (until) => {
          const ended = endedPlan(grants.journal(), link.answer);
          if (ended === undefined || ended === toldAgain) await rested(upgrades, until);
          toldAgain = ended;
          await heard.untilItIs(status, until);
          await outside.sleep(REPLICAS_MS, until);
        },
        events,
      },
      signal,
    ),
    runStatusLoop(
      outside,
      {
        status,
        tell: async (word) => {
          const answer = await tellStatus(keeper, word);
          heard.note(word);
          unheard.heard(word);
          return answer;
        },
        changed: (until) =>
          Promise.race([upgrades, planTrouble, unheard].map((one) => one.changed(until)).concat(doubt.raised(until))),
        doubts: () => doubt.count,
        onSlotLost: (planId, attempt, why) => upgrades.loseSlot(planId, attempt, why),
        events,
      },
      signal,
    ),
    reportMachine(keeper, {
      readReport: async () => {
        const { node: present, trouble } = await lookAtNode(node, signal, NODE_LOOK_MS);
        // Once for each trouble. What the operator knows of the node it keeps.
        if (trouble !== undefined && trouble.message !== nodeTrouble)
          log(`reported without the node: ${trouble.message}`);
        nodeTrouble = trouble?.message;
        return readReport(present);
      },
      goesOn: true,
      signal,
      onReported: events.onReached,
      onEvent: (event) => {
        if (event.kind === "retry") events.onTrouble("report", event.error, event.delayMs);
      },
    }),
  ];
}

/** @returns names the plan of the answer where it is the one that has ended here last */
function endedPlan({ run, history }: Journal, answer: PlanAnswer | undefined): string | undefined {
  const plan = answer?.plan;
  const subject = run === undefined ? history[0]?.subject : undefined;
  const isSame = plan !== undefined && subject?.planId === plan.id && subject.attempt === plan.attempt;
  return isSame ? `${plan.id} ${plan.attempt}` : undefined;
}

/** When an upgrade that was under way has ended. */
async function rested(upgrades: Upgrades, signal: AbortSignal): Promise<void> {
  while (upgrades.journal().run === undefined && !signal.aborted) await upgrades.changed(signal);
  while (upgrades.journal().run !== undefined && !signal.aborted) await upgrades.changed(signal);
}

function describe(error: unknown): string {
  if (isCodedError(error)) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
