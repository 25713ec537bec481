/** Draining: the node takes no new pods, and those that it has go. Nobody's cordon but our own is ever touched. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { MachineNode } from "@rancheros/protocol/attestation";
import type { Drain } from "@rancheros/protocol/resources";

import { UpgradeError } from "../errors.ts";
import { note, reasonFrom, setCordon } from "../journal-edits.ts";
import type { DrainProgress } from "../ports.ts";
import { KUBECONFIG_BACK_MS, KUBELET_START_MS } from "../moment.ts";
import { presentRun, say, withPatience, type Edit, type Work } from "../work.ts";
import { leavesPods, towardsSwitch, unlessSlotHeld } from "./next-phase.ts";

/** How often it is looked whether somebody has uncordoned the node meanwhile. */
const LOOK_MS = 10_000;
/** Between two words of a drain that are written down. */
const WORD_PAUSE_MS = 5_000;

/** @throws UpgradeError, and what the API server and the drain do; nothing of it where the plan says force */
export async function drain(work: Work): Promise<Edit> {
  const lost = await unlessSlotHeld(work);
  if (lost !== undefined) return lost;
  // Where the plan has come to want neither a cordon nor a drain, nothing is left to be done here.
  if (!leavesPods(presentRun(work).order)) return towardsSwitch(work);
  try {
    await leavePods(work);
  } catch (error) {
    const { force } = presentRun(work).order.plan;
    if (!force || work.signal.aborted || !isCodedError(error)) throw error;
    const lastError = reasonFrom(error);
    await work.save((journal, now) => note(journal, { lastError }, now));
    await say(work, `going on with force: ${error.message}`);
  }
  return towardsSwitch(work);
}

async function leavePods(work: Work): Promise<void> {
  const { node } = work.ports;
  const { drain: wanted } = presentRun(work).order.plan;
  const found = await ownNode(work);
  if (found === undefined) {
    // Of an earlier upgrade, before the machine left its cluster.
    if (work.journal().cordon !== "none") await work.save((journal) => setCordon(journal, "none"));
    throw new UpgradeError("UPGRADE_NO_NODE", "the plan drains or cordons the node, and this machine is none");
  }
  await keepCordoned(work, found);
  if (wanted === undefined) return;
  const why = await withPatience(work, () => node.reasonNotToDrain(work.signal));
  if (why !== undefined) {
    await say(work, `not drained: ${why}`);
    return;
  }
  await foreseeCordon(work);
  await drainWatched(work, wanted);
}

/** A kubeconfig that came with a copied disk leads to the node of another machine, whose pods are not ours to evict. */
async function ownNode(work: Work): Promise<MachineNode | undefined> {
  const { node, host } = work.ports;
  const begunMs = host.now().uptimeMs;
  for (;;) {
    const found = await withPatience(work, () => node.look(work.signal));
    const { bootId, uptimeMs } = host.now();
    if (found?.bootId === bootId) return found;
    // One that was cordoned was a node: its kubeconfig may lie on a disk that comes late, or be gone until k3s is there again.
    const patienceMs = work.journal().cordon === "none" ? KUBECONFIG_BACK_MS : KUBELET_START_MS;
    if (found === undefined && uptimeMs - begunMs >= patienceMs) return undefined;
    if (found !== undefined && uptimeMs >= KUBELET_START_MS) {
      const boots = `it was started as ${found.bootId}, and this machine as ${bootId}`;
      throw new UpgradeError("UPGRADE_OTHER_NODE", `the node ${found.name} is not this machine: ${boots}`);
    }
    const what =
      found === undefined ? "there is no kubeconfig" : `the node ${found.name} has not reported since the start`;
    await say(work, `waiting: ${what}`);
    await host.sleep(LOOK_MS, work.signal);
  }
}

/** The journal says that it will be ours before it is, and so the cordon is found again after a kill. */
async function keepCordoned(work: Work, found: MachineNode): Promise<void> {
  const { node } = work.ports;
  const { cordon } = work.journal();
  if (found.unschedulable) {
    if (cordon === "ours") return;
    // Done before the kill, or by somebody else meanwhile; or by an upgrade whose journal is lost.
    const who = await withPatience(work, () => node.cordonedBy(work.signal));
    await work.save((journal) => setCordon(journal, who === "agent" ? "ours" : "none"));
    return;
  }
  if (cordon === "none") await work.save((journal) => setCordon(journal, "intended"));
  const isOurs = await work.act("cordon", () => withPatience(work, () => node.cordon(work.signal)));
  await work.save((journal) => setCordon(journal, isOurs || journal.cordon === "ours" ? "ours" : "none"));
}

/** Who has cordoned the node may uncordon it during the drain, and what cordons it again then is the drain or its watcher. */
async function foreseeCordon(work: Work): Promise<void> {
  if (work.journal().cordon === "none") await work.save((journal) => setCordon(journal, "intended"));
}

async function drainWatched(work: Work, wanted: Drain): Promise<void> {
  const { node, host } = work.ports;
  const done = new AbortController();
  const watching = AbortSignal.any([work.signal, done.signal]);
  const watch = async (): Promise<void> => {
    while (!watching.aborted) {
      await host.sleep(LOOK_MS, watching).catch(() => undefined);
      if (watching.aborted) return;
      // Who cannot be asked now is asked again in a moment.
      const found = await node.look(watching).catch(() => undefined);
      if (found?.unschedulable === false) await cordonAgain(work, watching).catch(() => undefined);
    }
  };
  const watched = watch();
  const word = newestWord(work, watching);
  try {
    const onProgress = ({ line, summary }: DrainProgress): void => {
      if (line !== undefined) work.log(line);
      word.tell(summary);
    };
    // What comes before the first eviction has no patience of its own.
    await work.act("drain", () => withPatience(work, () => node.drain(wanted, work.signal, onProgress)));
  } finally {
    done.abort();
    await watched;
    await word.written();
  }
  const found = await withPatience(work, () => node.look(work.signal));
  if (found !== undefined) await keepCordoned(work, found);
}

async function cordonAgain(work: Work, signal: AbortSignal): Promise<void> {
  await work.save((journal) => (journal.cordon === "none" ? setCordon(journal, "intended") : journal));
  await work.ports.node.cordon(signal);
}

/**
 * Each is a write onto the disk, and a hundred pods say more than a disk may take: what came meanwhile but the newest is left out.
 * @param hurry  nobody waits for another one: what is left to be told is told at once
 */
function newestWord(
  work: Work,
  hurry: AbortSignal,
): { readonly tell: (message: string) => void; readonly written: () => Promise<void> } {
  let next: string | undefined;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    for (let message = next; message !== undefined; message = next) {
      next = undefined;
      await say(work, message).catch(() => undefined);
      await work.ports.host.sleep(WORD_PAUSE_MS, hurry).catch(() => undefined);
    }
    writing = undefined;
  };
  return {
    tell(message) {
      next = message;
      writing ??= write();
    },
    written: () => writing ?? Promise.resolve(),
  };
}
