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
  const { node } = work.ports;
  if (work.journal().cordon === "none") return;
  const found = await withPatience(work, () => node.look(work.signal));
  // Gone from its cluster, or uncordoned by somebody: there is nothing of ours any more.
  if (found?.unschedulable === true) {
    await work.act("uncordon", () => withPatience(work, () => node.uncordon(work.signal)));
  }
  await work.save((journal) => setCordon(journal, "none"));
}
