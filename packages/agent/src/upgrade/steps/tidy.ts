/** What an upgrade leaves behind is put in order before it ends: it takes as long as it takes. */
import { note, setCordon } from "../journal-edits.ts";
import { keepsImages, removeImages } from "../own-images.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";

export async function tidy(work: Work): Promise<Edit> {
  const { containers } = work.ports;
  const { container, ending } = presentRun(work);
  if (container !== undefined) {
    await work.act("stop", () => withPatience(work, () => containers.stop(container)));
    await work.save((journal, now) => note(journal, { container: undefined }, now));
  }
  if (ending?.keepsCordon !== true) await takeCordonAway(work);
  // Last: it takes a while, and pods may be back already.
  if (ending !== undefined && !keepsImages(ending)) await removeImages(work);
  return (journal) => journal;
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
  const { node } = work.ports;
  const found = await withPatience(work, () => node.look(work.signal));
  if (found?.unschedulable !== true) return false;
  const who = await withPatience(work, () => node.cordonedBy(work.signal));
  return who === "agent" || (who === "unknown" && cordon === "ours");
}
