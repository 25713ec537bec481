/** Upgrades of this machine's operating system: what it does with a plan, and what it remembers of it. */
import { connectKubernetes, ownNodeName } from "../kubernetes/index.ts";
import { openSlots, type OpenSlotsOptions } from "../slots/index.ts";
import { clusterNode, type ClusterNode } from "./cluster-node.ts";
import { configAtStart } from "./config-at-start.ts";
import { EMPTY_JOURNAL, type Journal } from "./journal.ts";
import { grubSlots } from "./io/grub-slots.ts";
import { journalFile } from "./io/journal-file.ts";
import { readLastReset } from "./io/last-reset.ts";
import { machineHost } from "./io/machine-host.ts";
import { systemSlotsOutside } from "./io/system-slots-outside.ts";
import type { NodeContainersOptions } from "./node-containers.ts";
import type { HostPort, JournalFile, SystemSlotsPort } from "./ports.ts";
import { readJournal } from "./read-journal.ts";
import type { SlotPort } from "./rollback.ts";
import { rollbackSlots, systemSlots } from "./system-slots.ts";

export interface MachineOptions {
  /** Where the machine's / is. */
  readonly hostRoot: string;
  /** /var/lib/rancheros */
  readonly stateFolder: string;
  /** /run/rancheros; slots are mounted below it. */
  readonly runFolder: string;
  /** Undefined: what the node has anyway. */
  readonly kubeconfig: string | undefined;
  /** For each of the administrator's checks. */
  readonly checkTimeoutMs: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (message: string) => void;
}

/** The machine itself, but for its container runtime and the operator. */
export interface Machine {
  readonly host: HostPort;
  readonly node: ClusterNode;
  readonly journalFile: JournalFile;
  readonly slots: SlotPort;
  /** One sentence; undefined where it was never reset. */
  readonly lastReset: string | undefined;
}

export function openMachine(options: MachineOptions): Machine {
  const { hostRoot, kubeconfig, environment } = options;
  const host = machineHost(options);
  const node = clusterNode({
    connect: () => connectKubernetes({ path: kubeconfig, environment, hostRoot }),
    ownName: (client, signal) => ownNodeName(client, { hostRoot, signal }),
  });
  const ours = openSlots(options);
  const isOurs = ours.started() !== undefined;
  const slots = isOurs ? rollbackSlots(ours) : grubSlots(hostRoot, () => host.readBootSlot());
  const lastReset = readLastReset(options.stateFolder);
  return { host, node, journalFile: journalFile(options.stateFolder), slots, lastReset };
}

export type NodeSlotsOptions = OpenSlotsOptions &
  Pick<NodeContainersOptions, "registriesPath" | "bytesPerSecond" | "log">;

/** The machine's two slots, where it has them, for its upgrades. */
export function nodeSlots(options: NodeSlotsOptions): SystemSlotsPort {
  return systemSlots({ ...options, ...systemSlotsOutside(options), slots: openSlots(options) });
}

/** As `configAtStart`, on this machine, before its cloud config is applied. @throws UpgradeError, SlotError */
export function prepareCloudConfig(options: OpenSlotsOptions & Pick<MachineOptions, "log">): Promise<void> {
  // No check of the administrator's runs here.
  const host = machineHost({ ...options, checkTimeoutMs: 0 });
  const slots = nodeSlots({ ...options, registriesPath: undefined, bytesPerSecond: undefined });
  return configAtStart({ host, slots, journalFile: journalFile(options.stateFolder) }, options.log);
}

/**
 * The journal as it lies there, for who only wants to look.
 * @throws UpgradeError UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_BROKEN
 */
export async function lookIntoJournal(file: JournalFile): Promise<Journal> {
  const text = await file.read();
  return text === undefined ? EMPTY_JOURNAL : readJournal(text);
}

export { agentState } from "./agent-state.ts";
export type { AgentState, EndedState, OperatorState } from "./agent-state.ts";
export type { BootSlot } from "./boot-slot.ts";
export { UPGRADE_ERRORS, UpgradeError } from "./errors.ts";
export type { UpgradeErrorCode } from "./errors.ts";
export { FAULT_POINTS } from "./fault-points.ts";
export type { FaultPoint, ReachPoint } from "./fault-points.ts";
export { reasonFrom } from "./journal-edits.ts";
export { EMPTY_JOURNAL, orderOfPlan } from "./journal.ts";
export type { Ended, Ending, FailedDigest, Journal, Order, Reason, Run, Subject } from "./journal.ts";
export type { OrderVerdict } from "./judge-order.ts";
export { parseMachineNode } from "./machine-node.ts";
export { leftMs } from "./moment.ts";
export { nodeContainers, nodeRegistries } from "./node-containers.ts";
export type { NodeContainersOptions } from "./node-containers.ts";
export { orderByHand } from "./order-by-hand.ts";
export type { HandOptions } from "./order-by-hand.ts";
export type {
  ConfirmSlot,
  ContainerEnd,
  ContainerPort,
  ContainerRun,
  HostPort,
  JournalFile,
  NodePort,
  SystemSlotsPort,
  UpgradePorts,
} from "./ports.ts";
export { agentWord, readAgentWord } from "./read-agent-word.ts";
export { readOrder } from "./read-journal.ts";
export { askRollback, callOffRollback, otherSlot, refuseRollbackUnderWay, waitingRollback } from "./rollback.ts";
export type { SlotFacts, SlotPort } from "./rollback.ts";
export { refusePlan } from "./refuse-plan.ts";
export { lookAtNode } from "./look-at-node.ts";
export type { NodeLook } from "./look-at-node.ts";
export { statusOf } from "./status.ts";
export { openUpgrades } from "./upgrade.ts";
export type { Upgrades } from "./upgrade.ts";
