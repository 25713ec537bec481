/** What people do with a machine's upgrades from its command line: through the agent that runs, or without one. */
import { CodedError, type ErrorTable } from "@rancheros/protocol/errors";
import { isJsonObject } from "@rancheros/protocol/messages";
import { SIGNATURE_ERRORS } from "@rancheros/protocol/signatures";
import { PHASES } from "@rancheros/protocol/upgrade";

import {
  cancelRollback,
  openAgent,
  rollback,
  socketPath,
  type AgentOptions,
  type AgentSession,
  type RolledBack,
} from "./agent-session.ts";
import { CONTAINER_ERRORS } from "./containers/index.ts";
import { DRAIN_ERRORS } from "./drain/index.ts";
import { FilesError } from "./files/index.ts";
import { IMAGE_PULL_ERRORS } from "./images/index.ts";
import { NODE_API_ERRORS } from "./kubernetes/index.ts";
import { REGISTRATION_ERRORS } from "./registration/index.ts";
import { SLOT_ERRORS } from "./slots/index.ts";
import { askControl, readControlAnswer, type Asked, type ControlCommand } from "./service/index.ts";
import {
  agentState,
  lookAtNode,
  lookIntoJournal,
  openMachine,
  readAgentWord,
  UPGRADE_ERRORS,
  UpgradeError,
  type AgentState,
  type Journal,
  type MachineOptions,
  type Order,
  type Reason,
} from "./upgrade/index.ts";
import { workByHand } from "./work-by-hand.ts";

export type HandOutside = MachineOptions;

/** Three of the signs of life that the agent gives. */
const SILENCE_MS = 30_000;
/** The boot loader's file is waited for, the other slot mounted, and a slow disk synced: each has its own limit, up to ten minutes. */
const ROLLBACK_LIMIT_MS = 30 * 60_000;
const LIMITS_MS: Readonly<Record<ControlCommand, number>> = {
  status: 60_000,
  // The journal's disk is waited for.
  abort: 10 * 60_000,
  // It waits for a rollback that somebody asks for meanwhile.
  upgrade: ROLLBACK_LIMIT_MS,
  rollback: ROLLBACK_LIMIT_MS,
  "cancel-rollback": ROLLBACK_LIMIT_MS,
};
const NODE_LOOK_MS = 5_000;

/** @throws UpgradeError */
export async function readAgentState(outside: HandOutside): Promise<AgentState> {
  const asked = await ask(outside, "status");
  if (asked !== undefined) return readAgentWord(asked.value);
  const machine = openMachine(outside);
  try {
    const { node, trouble } = await lookAtNode(machine.node, new AbortController().signal, NODE_LOOK_MS);
    return agentState(await lookIntoJournal(machine.journalFile), {
      agentPid: undefined,
      bootId: machine.host.now().bootId,
      node,
      nodeTrouble: trouble,
      operator: undefined,
      trouble: undefined,
    });
  } finally {
    machine.node.close();
  }
}

/**
 * Breaks off what is under way, before the switch; without an agent it is undone here. Of what ends and waits in vain the
 * waiting is given up.
 * @throws UpgradeError UPGRADE_NOT_UNDER_WAY, UPGRADE_TOO_LATE
 */
export async function abortByHand(options: AgentOptions, signal: AbortSignal): Promise<void> {
  if ((await ask(options, "abort")) !== undefined) return;
  const session = await openAgent(options, () => Promise.resolve("lost"));
  try {
    await session.upgrades.abort();
    await workByHand(session, signal, () => undefined);
  } finally {
    session.close();
  }
}

/** @throws UpgradeError UPGRADE_NO_OTHER_SLOT, UPGRADE_ROLLBACK_FAILED, UPGRADE_UNDER_WAY */
export function rollbackByHand(options: AgentOptions, isDryRun: boolean): Promise<RolledBack> {
  return bySession(options, { command: "rollback", isDryRun }, rollback);
}

/** @throws UpgradeError UPGRADE_ROLLBACK_NOT_ASKED, UPGRADE_ROLLBACK_FAILED */
export function cancelRollbackByHand(options: AgentOptions, isDryRun: boolean): Promise<RolledBack> {
  return bySession(options, { command: "cancel-rollback", isDryRun }, cancelRollback);
}

async function bySession(
  options: AgentOptions,
  { command, isDryRun }: { readonly command: ControlCommand; readonly isDryRun: boolean },
  work: (session: AgentSession, isDryRun: boolean) => Promise<RolledBack>,
): Promise<RolledBack> {
  const asked = await ask(options, command, isDryRun ? "dry-run" : undefined);
  if (asked !== undefined) return readRolledBack(asked.value);
  const session = await openAgent(options, () => Promise.resolve("lost"));
  try {
    return await work(session, isDryRun);
  } finally {
    session.close();
  }
}

function readRolledBack(value: unknown): RolledBack {
  if (isJsonObject(value) && typeof value["entry"] === "string") return { entry: value["entry"] };
  throw new UpgradeError("UPGRADE_AGENT_SILENT", "the agent that runs answers nonsense");
}

export interface HandUpgrade {
  readonly order: Order;
  readonly signal: AbortSignal;
  /** At each change. */
  readonly onState: (journal: Journal) => void;
}

/**
 * Upgrades the machine, without an operator, to its end; or hands the order to the agent that runs.
 * @returns whether the agent that runs has taken it, and goes on without us
 * @throws UpgradeError UPGRADE_UNDER_WAY, UPGRADE_INTERRUPTED, UPGRADE_JOURNAL_UNSAVED
 */
export async function upgradeByHand(
  options: AgentOptions,
  { order, signal, onState }: HandUpgrade,
): Promise<"handed-over" | "ended"> {
  if ((await ask(options, "upgrade", order)) !== undefined) return "handed-over";
  const session = await openAgent(options, () => Promise.resolve("held"));
  try {
    const { kind } = await session.upgrades.offer(order);
    if (kind === "later") throw new UpgradeError("UPGRADE_UNDER_WAY", "another upgrade is under way");
    await workByHand(session, signal, onState);
    return "ended";
  } finally {
    session.close();
  }
}

/** @returns undefined where no agent runs. @throws FilesError FILES_UNREADABLE; UpgradeError UPGRADE_AGENT_SILENT, UPGRADE_UNANSWERED */
async function ask(
  { runFolder }: HandOutside,
  command: ControlCommand,
  argument?: unknown,
): Promise<{ readonly value: unknown } | undefined> {
  const times = { silenceMs: SILENCE_MS, limitMs: LIMITS_MS[command] };
  let asked: Asked;
  try {
    asked = await askControl(socketPath(runFolder), JSON.stringify({ command, argument }), times);
  } catch (cause) {
    // Whoever is not root may not ask: that the agent hangs nobody can say then.
    if (cause instanceof FilesError) throw cause;
    throw silent(cause);
  }
  if (asked.kind === "nobody") return undefined;
  if (asked.kind === "unanswered") {
    if (command === "status") throw silent(asked.cause);
    const why = asked.cause instanceof Error ? asked.cause.message : String(asked.cause);
    const message = `the agent that runs was asked for "${command}", and what became of it is not known: ${why}`;
    throw new UpgradeError("UPGRADE_UNANSWERED", message, { cause: asked.cause });
  }
  const answer = readControlAnswer(asked.line);
  if (answer?.kind === "done") return { value: answer.value };
  if (answer === undefined) throw new UpgradeError("UPGRADE_AGENT_SILENT", "the agent that runs answers nonsense");
  throw refused(answer.code, answer.message);
}

function silent(cause: unknown): UpgradeError {
  return new UpgradeError("UPGRADE_AGENT_SILENT", "the agent that runs does not answer", { cause });
}

/** @throws UpgradeError UPGRADE_UNDER_WAY */
export function refuseUnderWay({ isUnderWay, phase }: AgentState): void {
  if (isUnderWay) throw new UpgradeError("UPGRADE_UNDER_WAY", `an upgrade is under way, in ${phase}`);
}

/** @throws UpgradeError UPGRADE_NOT_UNDER_WAY, UPGRADE_TOO_LATE */
export function requireAbortable({ phase, isUnderWay, endsAs }: AgentState): void {
  if (endsAs !== undefined) return;
  if (!isUnderWay) throw new UpgradeError("UPGRADE_NOT_UNDER_WAY", "no upgrade is under way");
  if (PHASES[phase].mayBeSwitched) throw new UpgradeError("UPGRADE_TOO_LATE", `the upgrade is in ${phase}`);
}

/** What ended an upgrade, as an error for who waited for it. */
export function errorOfReason(reason: Reason | undefined, message: string | undefined): CodedError {
  return reason === undefined
    ? new UpgradeError("UPGRADE_DEFECT", message ?? "the upgrade has ended, and nobody knows why")
    : refused(reason.code, reason.message);
}

const TABLES: readonly ErrorTable<string>[] = [
  UPGRADE_ERRORS,
  NODE_API_ERRORS,
  DRAIN_ERRORS,
  CONTAINER_ERRORS,
  IMAGE_PULL_ERRORS,
  SIGNATURE_ERRORS,
  SLOT_ERRORS,
  REGISTRATION_ERRORS,
];

/** As if it had been thrown here. */
function refused(code: string, message: string): CodedError {
  const table = TABLES.find((one) => Object.hasOwn(one, code));
  return table === undefined
    ? new UpgradeError("UPGRADE_DEFECT", message)
    : new CodedError<string>(table, code, message);
}
