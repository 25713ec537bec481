/** The daemon's talk with the operator. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import { isCodedError } from "@rancheros/protocol/errors";
import type { PlanAnswer } from "@rancheros/protocol/upgrade";

import type { AgentSession } from "./agent-session.ts";
import { askPlan, runPlanLoop, runStatusLoop, tellStatus, type LinkOutside } from "./operator-link/index.ts";
import { reportMachine, type OwnReport, type SessionKeeper } from "./registration/index.ts";
import { orderOfPlan, statusOf, type Upgrades } from "./upgrade/index.ts";

export interface DaemonOperator {
  readonly keeper: SessionKeeper;
  /** @param node  undefined where the machine is none, or cannot ask */
  readonly readReport: (node: MachineNode | undefined) => Promise<OwnReport>;
}

const NODE_LOOK_MS = 10_000;

/** What `status` shows of the talk with the operator. */
export interface LinkState {
  reachedMs: number | undefined;
  trouble: string | undefined;
  answer: PlanAnswer | undefined;
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
  const outside = linkOutside(session);
  const events = {
    onReached: () => {
      if (link.trouble !== undefined) log("the operator answers again");
      link.reachedMs = host.now().wallMs;
      link.trouble = undefined;
    },
    onTrouble: (_what: string, error: unknown, delayMs: number) => {
      const message = describe(error);
      // Once for each trouble, not for each attempt.
      if (link.trouble !== message) log(`${message}; trying again in ${Math.round(delayMs / 1000)} s`);
      link.trouble = message;
    },
  };
  const onAnswer = (answer: PlanAnswer): void => {
    const { waiting } = answer;
    if (waiting !== undefined && waiting.reason !== link.answer?.waiting?.reason) log(`no plan: ${waiting.message}`);
    link.answer = answer;
  };
  return [
    runPlanLoop(
      outside,
      {
        ask: (last) => askPlan(keeper, last),
        onAnswer,
        onPlan: async (plan) => {
          const { kind } = await upgrades.offer(orderOfPlan(plan));
          if (kind === "start") log(`granted: ${plan.osImage} (attempt ${plan.attempt})`);
        },
        rested: (until) => rested(upgrades, until),
        events,
      },
      signal,
    ),
    runStatusLoop(
      outside,
      {
        status: () => statusOf(upgrades.journal(), host.now().bootId),
        tell: (status) => tellStatus(keeper, status),
        changed: (until) => upgrades.changed(until),
        onSlotLost: (planId, attempt) => upgrades.loseSlot(planId, attempt),
        events,
      },
      signal,
    ),
    reportMachine(keeper, {
      readReport: async () => readReport(await nodeIfAny(node, signal)),
      goesOn: true,
      signal,
      onReported: events.onReached,
      onEvent: (event) => {
        if (event.kind === "retry") events.onTrouble("report", event.error, event.delayMs);
      },
    }),
  ];
}

/** @returns undefined also where it cannot be asked now */
export function nodeIfAny(
  node: AgentSession["machine"]["node"],
  signal: AbortSignal,
): Promise<MachineNode | undefined> {
  return node.look(AbortSignal.any([signal, AbortSignal.timeout(NODE_LOOK_MS)])).catch(() => undefined);
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
