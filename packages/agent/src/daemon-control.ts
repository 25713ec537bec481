/** What the daemon answers to the command line. */
import { cancelRollback, rollback, type AgentSession } from "./agent-session.ts";
import type { LinkState } from "./daemon-link.ts";
import { readControlRequest, refusalOf, type ControlAnswer } from "./service/index.ts";
import { agentWord, lookAtNode, readOrder, UpgradeError, type OperatorState } from "./upgrade/index.ts";

export interface ControlledDaemon {
  readonly session: AgentSession;
  readonly link: LinkState;
  readonly options: { readonly pid: number; readonly signal: AbortSignal; readonly operator: unknown };
}

/** Whoever asks for the status waits for the answer: doctor 8 s, after which it says that the agent hangs. */
const NODE_LOOK_MS = 5_000;

/** @returns a line of JSON; never rejects */
export async function answerControl(daemon: ControlledDaemon, line: string): Promise<string> {
  let answer: ControlAnswer;
  try {
    answer = { kind: "done", value: await doCommand(daemon, line) };
  } catch (error) {
    answer = refusalOf(error);
  }
  return JSON.stringify(answer);
}

async function doCommand(daemon: ControlledDaemon, line: string): Promise<unknown> {
  const { session } = daemon;
  const { upgrades } = session;
  const request = readControlRequest(line);
  if (request === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the request cannot be understood");
  const { command, argument } = request;
  if (command === "status") return wordOf(daemon);
  if (command === "rollback") return rollback(session, argument === "dry-run");
  if (command === "cancel-rollback") return cancelRollback(session, argument === "dry-run");
  if (command === "abort") return upgrades.abort();
  const { kind } = await upgrades.offer(readOrder(argument));
  if (kind === "later") throw new UpgradeError("UPGRADE_UNDER_WAY", "another upgrade is under way");
  return kind;
}

async function wordOf({ session, link, options }: ControlledDaemon): Promise<unknown> {
  const { machine, upgrades } = session;
  const operator: OperatorState = {
    reached: link.reachedMs === undefined ? undefined : new Date(link.reachedMs).toISOString(),
    trouble: link.trouble,
    waiting: link.answer?.waiting,
  };
  const { node, trouble: nodeTrouble } = await lookAtNode(machine.node, options.signal, NODE_LOOK_MS);
  return agentWord(link.grants.journal(), {
    agentPid: options.pid,
    bootId: machine.host.now().bootId,
    node,
    nodeTrouble,
    operator: options.operator === undefined ? undefined : operator,
    trouble: upgrades.trouble() ?? link.planTrouble.present ?? upgrades.brokenJournal,
  });
}
