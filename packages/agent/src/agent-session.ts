/** One agent on its machine, daemon or command: it holds the lock, knows the journal, and does what it is asked. */
import { join } from "node:path";

import { takeLock } from "./service/index.ts";
import {
  noteRollback,
  openMachine,
  openUpgrades,
  refuseRollbackUnderWay,
  UpgradeError,
  type ConfirmSlot,
  type ContainerPort,
  type Machine,
  type MachineOptions,
  type ReachPoint,
  type SystemSlotsPort,
  type Upgrades,
} from "./upgrade/index.ts";

export interface AgentOptions extends MachineOptions {
  readonly containers: ContainerPort;
  /** Undefined: upgrades go by containers only. */
  readonly systemSlots?: SystemSlotsPort;
  /** Where tests kill it. */
  readonly reach?: ReachPoint;
}

export interface AgentSession {
  readonly machine: Machine;
  readonly upgrades: Upgrades;
  close(): void;
}

export function lockPath(runFolder: string): string {
  return join(runFolder, "agent.lock");
}

export function socketPath(runFolder: string): string {
  return join(runFolder, "agent.sock");
}

/** @throws UpgradeError UPGRADE_AGENT_RUNNING, UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_UNSAVED */
export async function openAgent(options: AgentOptions, confirmSlot: ConfirmSlot): Promise<AgentSession> {
  const { runFolder, containers, log, reach } = options;
  const lock = takeLock(lockPath(runFolder));
  if (lock === undefined) throw new UpgradeError("UPGRADE_AGENT_RUNNING", "another agent runs on this machine");
  try {
    const machine = openMachine(options);
    const { host, node, journalFile } = machine;
    const ports = { host, node, journalFile, containers, confirmSlot, slots: options.systemSlots };
    const upgrades = await openUpgrades(ports, reach === undefined ? { log } : { log, reach });
    const close = (): void => {
      node.close();
      lock.release();
    };
    return { machine, upgrades, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

export interface RolledBack {
  /** The menu entry that the boot loader starts next time. */
  readonly entry: string;
}

/**
 * Makes the machine start its other operating system next time: one of our own slots as a trial. The restart is left to whoever asked.
 * @throws UpgradeError UPGRADE_UNDER_WAY, UPGRADE_NO_OTHER_SLOT, UPGRADE_ROLLBACK_FAILED
 */
export async function rollback({ machine, upgrades }: AgentSession, isDryRun: boolean): Promise<RolledBack> {
  refuseRollbackUnderWay(upgrades.journal());
  const entry = await machine.slots.other();
  if (isDryRun) return { entry };
  // An upgrade may have begun while the other slot was looked at.
  refuseRollbackUnderWay(upgrades.journal());
  await machine.slots.startNext(entry);
  await upgrades.amend((journal) => noteRollback(journal, machine.host.now()));
  return { entry };
}
