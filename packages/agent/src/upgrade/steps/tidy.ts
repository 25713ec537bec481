/** What an upgrade leaves behind is put in order before it ends: it takes as long as it takes, or until somebody gives it up. */
import type { MachineNode } from "@rancheros/protocol/attestation";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

import { UpgradeError } from "../errors.ts";
import { note, setCordon } from "../journal-edits.ts";
import { KUBELET_START_MS } from "../moment.ts";
import { keepsImages, removeImages } from "../own-images.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";
import { leavesPods } from "./next-phase.ts";

export async function tidy(work: Work): Promise<Edit> {
  const { container, ending } = presentRun(work);
  if (container !== undefined) {
    await work.act("stop", () => endContainer(work, container));
    await work.save((journal, now) => note(journal, { container: undefined }, now));
  }
  if (ending?.keepsCordon !== true) await takeCordonAway(work);
  // Last: it takes a while, and pods may be back already.
  if (ending !== undefined && !keepsImages(ending)) await removeImages(work);
  return (journal) => journal;
}

async function endContainer(work: Work, name: string): Promise<void> {
  try {
    await withPatience(work, () => work.ports.containers.stop(name));
  } catch (error) {
    // The name is somebody else's, and ours never ran; or nothing here runs containers any more. What runs all the same the
    // next upgrade finds by its name.
    if (!hasCode(error, "CONTAINER_NAME_TAKEN") && !hasCode(error, "CONTAINER_RUNTIME_MISSING")) throw error;
    work.log(`the container ${name} is left as it is: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function takeCordonAway(work: Work): Promise<void> {
  const { cordon } = work.journal();
  if (cordon === "none") return;
  if (await isOurs(work, cordon)) {
    const { node } = work.ports;
    await work.act("uncordon", () => withPatience(work, () => node.uncordon(work.signal)));
  }
  await work.save((journal) => setCordon(journal, "none"));
}

/** Not where the node is gone from its cluster, or somebody has uncordoned it, and maybe cordoned it again. */
async function isOurs(work: Work, cordon: "intended" | "ours"): Promise<boolean> {
  const { node, host } = work.ports;
  const begunMs = host.now().uptimeMs;
  try {
    const found = await withPatience(work, () => lookForNode(work, begunMs));
    if (found === undefined)
      work.log("this machine has no kubeconfig any more: a cordon of its node is left to its cluster");
    if (found?.unschedulable !== true) return false;
    const who = await withPatience(work, () => node.cordonedBy(work.signal));
    return who === "agent" || (who === "unknown" && cordon === "ours");
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/**
 * A kubeconfig may lie on a disk that comes late, or be gone until k3s is there again.
 * @param begunMs  when it was looked for first, since the start
 * @returns undefined where the machine has left its cluster
 * @throws UpgradeError UPGRADE_NO_NODE, while there is hope
 */
async function lookForNode(work: Work, begunMs: number): Promise<MachineNode | undefined> {
  const { ports, signal } = work;
  const found = await ports.node.look(signal);
  if (found !== undefined || ports.host.now().uptimeMs - begunMs >= KUBELET_START_MS) return found;
  // After a broken journal a cordon is intended on any machine, also on one that never was a node.
  if (work.journal().cordon !== "ours" && !leavesPods(presentRun(work).order)) return undefined;
  const message = "this machine was a node, and has no kubeconfig yet";
  throw new UpgradeError("UPGRADE_NO_NODE", message, { retry: "backoff" });
}

/** Said by an API server, not by a proxy that knows none: the node was deleted, and its cordon with it. */
function isGone(error: unknown): boolean {
  return isCodedError(error) && error.code === "NODE_API_NOT_FOUND" && error.details["reason"] === "NotFound";
}
