/** An upgrade by hand, while somebody waits for it: to its end, or until its time is over on a disk that takes no journal. */
import { PHASES } from "@rancheros/protocol/upgrade";

import { leftMs, UpgradeError, type HostPort, type Journal, type NodePort, type Upgrades } from "./upgrade/index.ts";

/** Of a session, what this works with. */
export interface HandSession {
  readonly machine: { readonly host: HostPort; readonly node: NodePort };
  readonly upgrades: Upgrades;
}

/** As long as a timer of Node can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** From one look to the next whether the journal can be written, once the time is over. */
const LOOK_MS = 1_000;
const UNCORDON_MS = 30_000;

/**
 * The next agent puts in order what the journal says of an upgrade that was left.
 * @param onState  at each change
 * @throws UpgradeError UPGRADE_INTERRUPTED with the signal, UPGRADE_JOURNAL_UNSAVED
 */
export async function workByHand(
  session: HandSession,
  signal: AbortSignal,
  onState: (journal: Journal) => void,
): Promise<void> {
  const { upgrades } = session;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const work = upgrades.work(either);
  let unsaved: UpgradeError | undefined;
  onState(upgrades.journal());
  try {
    while (upgrades.journal().run !== undefined && !signal.aborted && unsaved === undefined) {
      await changedOrLate(session, either);
      onState(upgrades.journal());
      unsaved = await unsavedInVain(session);
    }
  } finally {
    over.abort();
  }
  await work;
  if (upgrades.journal().run === undefined) return;
  if (unsaved !== undefined) throw await leaveUnsaved(session, unsaved, signal);
  throw new UpgradeError(
    "UPGRADE_INTERRUPTED",
    "broken off in the midst of an upgrade, which goes on when the agent runs",
  );
}

/** Of an upgrade that could still be broken off, if only that could be written down; otherwise undefined. */
function unsavedLeftMs({ upgrades, machine: { host } }: HandSession): number | undefined {
  const { run } = upgrades.journal();
  if (run === undefined || PHASES[run.phase].mayBeSwitched) return undefined;
  return upgrades.trouble()?.code === "UPGRADE_JOURNAL_UNSAVED" ? leftMs(run, host.now()) : undefined;
}

/** Resolves at the next change, with the signal, and where the journal cannot be written also with the end of the time. */
async function changedOrLate(session: HandSession, signal: AbortSignal): Promise<void> {
  const left = unsavedLeftMs(session);
  const late = new AbortController();
  const over = new AbortController();
  if (left !== undefined) {
    const waitMs = Math.min(Math.max(left, LOOK_MS), LONGEST_TIMER_MS);
    const wait = session.machine.host.sleep(waitMs, AbortSignal.any([signal, over.signal]));
    void wait.then(
      () => late.abort(),
      () => undefined,
    );
  }
  await session.upgrades.changed(AbortSignal.any([signal, late.signal]));
  over.abort();
}

/** @returns undefined where there is time left, or the disk takes the journal again */
async function unsavedInVain(session: HandSession): Promise<UpgradeError | undefined> {
  if (unsavedLeftMs(session) !== 0) return undefined;
  try {
    // The trouble may be one of before: another object is written though it says the same.
    await session.upgrades.amend((journal) => ({ ...journal }));
    return undefined;
  } catch (error) {
    if (error instanceof UpgradeError && error.code === "UPGRADE_JOURNAL_UNSAVED") return error;
    throw error;
  }
}

/** Nobody may come for the node for long: its cordon is taken back, though the journal goes on to say that it is there. */
async function leaveUnsaved(
  { upgrades, machine: { node } }: HandSession,
  cause: UpgradeError,
  signal: AbortSignal,
): Promise<UpgradeError> {
  const { run, cordon } = upgrades.journal();
  const timeout = `${run?.order.plan.timeoutSeconds ?? 0} s`;
  let message = `not ready to be switched after ${timeout}, which cannot be written down: ${cause.message}`;
  try {
    if (cordon !== "none") await uncordon(node, cordon, AbortSignal.any([signal, AbortSignal.timeout(UNCORDON_MS)]));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    message += `; the node may still be cordoned: ${why}`;
  }
  return new UpgradeError("UPGRADE_JOURNAL_UNSAVED", message, { cause });
}

async function uncordon(node: NodePort, cordon: "intended" | "ours", signal: AbortSignal): Promise<void> {
  if ((await node.look(signal))?.unschedulable !== true) return;
  const who = await node.cordonedBy(signal);
  if (who === "agent" || (who === "unknown" && cordon === "ours")) await node.uncordon(signal);
}
