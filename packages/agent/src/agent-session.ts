/** One agent on its machine, daemon or command: it holds the lock, knows the journal, and does what it is asked. */
import { join } from "node:path";

import { requireOwnFolder, takeLock } from "./service/index.ts";
import {
  askRollback,
  callOffRollback,
  openMachine,
  openUpgrades,
  refuseRollbackUnderWay,
  UpgradeError,
  waitingRollback,
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

/** @throws UpgradeError UPGRADE_AGENT_RUNNING, UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_UNSAVED; FilesError FILES_FOLDER_SHARED */
export async function openAgent(options: AgentOptions, confirmSlot: ConfirmSlot): Promise<AgentSession> {
  const { runFolder, containers, log, reach } = options;
  requireOwnFolder(runFolder);
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

/** Of a session, what a rollback works with. */
export interface RollbackSession {
  readonly machine: Pick<Machine, "host" | "slots">;
  readonly upgrades: Upgrades;
}

export interface RolledBack {
  /** The menu entry that the boot loader starts next time. */
  readonly entry: string;
}

/**
 * Makes the machine start its other operating system next time: one of our own slots as a trial. The restart is left to whoever asked.
 * @throws UpgradeError UPGRADE_UNDER_WAY, UPGRADE_NO_OTHER_SLOT, UPGRADE_ROLLBACK_FAILED
 */
export async function rollback({ machine, upgrades }: RollbackSession, isDryRun: boolean): Promise<RolledBack> {
  const { bootId } = machine.host.now();
  refuseRollbackUnderWay(upgrades.journal(), bootId);
  const entry = await machine.slots.other();
  if (isDryRun) return { entry };
  await upgrades.apart(async () => {
    const isFirst = waitingRollback(upgrades.journal(), bootId) === undefined;
    // In this order: after a kill in between the boot loader starts nothing of which the journal does not know.
    await upgrades.amend((journal) => askRollback(journal, entry, machine.host.now()));
    try {
      await machine.slots.startNext(entry);
    } catch (error) {
      // What the boot loader may still have stays in the journal: there it can be called off.
      const isForgotten = isFirst && (await machine.slots.forgetNext(entry).then(isDone, () => false));
      if (isForgotten) await upgrades.amend(callOffRollback);
      throw error;
    }
  });
  return { entry };
}

const isDone = (): boolean => true;

/**
 * What was asked for by a rollback is not to come any more.
 * @throws UpgradeError UPGRADE_ROLLBACK_NOT_ASKED, UPGRADE_ROLLBACK_FAILED; SlotError
 */
export async function cancelRollback({ machine, upgrades }: RollbackSession, isDryRun: boolean): Promise<RolledBack> {
  return upgrades.apart(async () => {
    const asked = waitingRollback(upgrades.journal(), machine.host.now().bootId);
    if (asked === undefined)
      throw new UpgradeError("UPGRADE_ROLLBACK_NOT_ASKED", "no rollback waits for the next restart");
    const { entry } = asked;
    if (isDryRun) return { entry };
    await machine.slots.forgetNext(entry);
    await upgrades.amend(callOffRollback);
    return { entry };
  });
}
