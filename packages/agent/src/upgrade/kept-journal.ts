/** The journal as the disk has it: nothing is believed to be written down before it is, and writes come one after the other. */
import { hasCode } from "@rancheros/protocol/errors";

import { UpgradeError } from "./errors.ts";
import type { ReachPoint } from "./fault-points.ts";
import { EMPTY_JOURNAL, type Journal, type Reason } from "./journal.ts";
import type { UpgradePorts } from "./ports.ts";
import { readJournal, writeJournal } from "./read-journal.ts";
import type { Edit } from "./work.ts";

export interface KeptJournal {
  readonly journal: () => Journal;
  /**
   * An edit that gives the same journal writes nothing.
   * @throws UpgradeError UPGRADE_JOURNAL_UNSAVED; UPGRADE_DEFECT for what could not be read again
   */
  readonly save: (edit: Edit) => Promise<void>;
  /** Resolves at the next change or wake, or with the signal. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  readonly wake: () => void;
  readonly broken: Reason | undefined;
}

/** @throws UpgradeError UPGRADE_JOURNAL_UNREADABLE, UPGRADE_JOURNAL_UNSAVED */
export async function keepJournal(
  { journalFile, host }: Pick<UpgradePorts, "journalFile" | "host">,
  reach: ReachPoint,
): Promise<KeptJournal> {
  const { journal: read, broken } = await readOrBeginAnew(journalFile);
  let journal = read;
  let queue: Promise<void> = Promise.resolve();
  /** Who has gone leaves nothing behind: between two changes months may pass. */
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const go of waiting) go();
  };
  const write = async (edit: Edit): Promise<void> => {
    const next = edit(journal, host.now());
    if (next === journal) return;
    const text = writeJournal(next);
    requireReadable(text);
    await reach("journal:before");
    await journalFile.write(text);
    journal = next;
    wake();
    await reach("journal:after");
  };
  return {
    broken,
    wake,
    journal: () => journal,
    save(edit) {
      const saved = queue.then(() => write(edit));
      queue = saved.catch(() => undefined);
      return saved;
    },
    changed(signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const go = (): void => {
          waiting.delete(go);
          signal.removeEventListener("abort", go);
          resolve();
        };
        waiting.add(go);
        signal.addEventListener("abort", go, { once: true });
      });
    },
  };
}

/** Refused now it is one order less; found broken after the restart, nobody would know of an upgrade or a cordon any more. */
function requireReadable(text: string): void {
  try {
    readJournal(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UpgradeError("UPGRADE_DEFECT", `not written down, as it could not be read again: ${why}`, { cause });
  }
}

async function readOrBeginAnew(
  file: UpgradePorts["journalFile"],
): Promise<{ readonly journal: Journal; readonly broken: Reason | undefined }> {
  const text = await file.read();
  if (text === undefined) return { journal: EMPTY_JOURNAL, broken: undefined };
  try {
    return { journal: readJournal(text), broken: undefined };
  } catch (error) {
    if (!hasCode(error, "UPGRADE_JOURNAL_BROKEN") || !(error instanceof Error)) throw error;
    const name = await file.keepAside();
    const message = `${error.message}; ${name === undefined ? "it cannot be kept" : `it is kept as ${name}`}`;
    // It may have said that the node's cordon is ours: whoever set one, the next upgrade asks.
    const journal: Journal = { ...EMPTY_JOURNAL, cordon: "intended" };
    // On a disk without room this is known until the agent ends, and is written down with the next change; the next start finds
    // the broken one again.
    await file.write(writeJournal(journal)).catch(() => undefined);
    return { journal, broken: { code: "UPGRADE_JOURNAL_BROKEN", message } };
  }
}
