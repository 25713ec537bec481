/** The cloud config of a machine that starts, before anything of it is applied: back from a trial it is the one from before. */
import type { BootSlot } from "./boot-slot.ts";
import type { Run } from "./journal.ts";
import type { HostPort, JournalFile, SystemSlotsPort } from "./ports.ts";
import { readJournal } from "./read-journal.ts";
import { hasCloudConfigBefore, takeCloudConfigBack } from "./steps/cloud-config.ts";

export interface StartPorts {
  readonly host: Pick<HostPort, "now" | "readBootSlot" | "readFile">;
  readonly journalFile: Pick<JournalFile, "read">;
  readonly slots: Pick<SystemSlotsPort, "tried" | "writeCloudConfig" | "configFiles">;
}

/**
 * The upgrade does the same when it goes on, but the cloud config is applied by then. The journal is only read: whatever a kill
 * leaves of this, the upgrade does the rest. Not while the upgrade itself may be at work.
 * @throws UpgradeError UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_BROKEN, UPGRADE_UNREADABLE; SlotError
 */
export async function configAtStart(ports: StartPorts, log: (message: string) => void): Promise<void> {
  const { host, journalFile, slots } = ports;
  const work = { ports: { host, slots }, log };
  if (!(await hasCloudConfigBefore(work))) return;
  const text = await journalFile.read();
  const run = text === undefined ? undefined : readJournal(text).run;
  if (run === undefined || !isBack(run, await host.readBootSlot(), host.now().bootId)) return;
  // No new operating system comes up with the cloud config of the old one: the trial has to be called off first.
  if ((await slots.tried()) === undefined) await takeCloudConfigBack(work, run.order);
}

/** Where it is not yet decided how the upgrade ends, or what was decided is overtaken by this start. */
function isBack({ target, switched, ending }: Run, slot: BootSlot, bootId: string): boolean {
  const isOpen = ending === undefined || ending.phase === "Succeeded";
  const isOther = (slot === "a" || slot === "b") && target !== undefined && slot !== target;
  return isOpen && isOther && switched !== undefined && switched.bootId !== bootId;
}
