/** Everything that this machine knows of its upgrades, as `ros-agent status --json` shows it. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import type { Phase, Waiting } from "@rancheros/protocol/upgrade";

import { reasonOf } from "./status.ts";
import { subjectOf, type Ended, type FailedDigest, type Journal, type Reason, type Subject } from "./journal.ts";

export interface AgentState {
  /** Process id of the agent that runs; undefined where none does, and all this is what the journal says. */
  readonly agentPid: number | undefined;
  readonly phase: Phase;
  /** Since when, by the machine's clock; undefined where there never was an upgrade. */
  readonly since: string | undefined;
  /** What it waits for, or how the last upgrade went. */
  readonly message: string | undefined;
  /** What is wrong: now, or with how the last upgrade went. */
  readonly reason: Reason | undefined;
  /** What keeps the agent from going on now, whether or not an upgrade is under way. */
  readonly trouble: Reason | undefined;
  /** How an upgrade that is about to end will end. */
  readonly endsAs: Phase | undefined;
  readonly upgrade: Subject | undefined;
  readonly isUnderWay: boolean;
  /** `ours`: the agent has cordoned the node and will uncordon it. */
  readonly cordon: Journal["cordon"];
  readonly node: NodeState | undefined;
  /** Why the node cannot be asked now. */
  readonly nodeTrouble: Reason | undefined;
  readonly bootId: string;
  readonly operator: OperatorState | undefined;
  readonly history: readonly EndedState[];
  readonly failedDigests: readonly FailedDigest[];
}

export type NodeState = Pick<MachineNode, "name" | "ready" | "unschedulable">;

export interface OperatorState {
  /** When it last answered, by the machine's clock. */
  readonly reached: string | undefined;
  readonly trouble: string | undefined;
  /** Why there is no plan now. */
  readonly waiting: Waiting | undefined;
}

export interface EndedState extends Omit<Ended, "startedMs" | "endedMs"> {
  readonly started: string;
  readonly ended: string;
}

export interface Surroundings {
  readonly agentPid: number | undefined;
  readonly bootId: string;
  readonly node: NodeState | undefined;
  /** Why the node cannot be asked now. */
  readonly nodeTrouble: Reason | undefined;
  readonly operator: OperatorState | undefined;
  /** What keeps the agent from going on now. */
  readonly trouble: Reason | undefined;
}

export function agentState(journal: Journal, surroundings: Surroundings): AgentState {
  const { agentPid, bootId, node, nodeTrouble, operator, trouble } = surroundings;
  const history = journal.history.map(({ startedMs, endedMs, ...rest }) => ({
    ...rest,
    started: iso(startedMs),
    ended: iso(endedMs),
  }));
  const { cordon, failedDigests } = journal;
  const seen =
    node === undefined ? undefined : { name: node.name, ready: node.ready, unschedulable: node.unschedulable };
  const rest = { agentPid, bootId, operator, cordon, node: seen, nodeTrouble, trouble, history, failedDigests };
  return { ...present(journal, trouble), ...rest };
}

type Present = Pick<AgentState, "phase" | "since" | "message" | "reason" | "endsAs" | "upgrade" | "isUnderWay">;

function present({ run, history }: Journal, trouble: Reason | undefined): Present {
  if (run !== undefined) {
    const { phase, sinceMs, message, ending, order } = run;
    return {
      phase,
      since: iso(sinceMs),
      message: ending?.message ?? message,
      reason: reasonOf(run, trouble),
      endsAs: ending?.phase,
      upgrade: subjectOf(order),
      isUnderWay: true,
    };
  }
  const [last] = history;
  const nothing = { endsAs: undefined, isUnderWay: false };
  if (last === undefined) {
    return { ...nothing, phase: "Idle", since: undefined, message: undefined, reason: trouble, upgrade: undefined };
  }
  const { phase, endedMs, message, reason, subject } = last;
  return { ...nothing, phase, since: iso(endedMs), message, reason: trouble ?? reason, upgrade: subject };
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
