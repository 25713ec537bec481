/** What an upgrade leaves behind is put in order before it ends: it takes as long as it takes. */
import { note, setCordon } from "../journal-edits.ts";
import { presentRun, withPatience, type Edit, type Work } from "../work.ts";

export async function tidy(work: Work): Promise<Edit> {
  const { containers, node } = work.ports;
  const { container, ending } = presentRun(work);
  if (container !== undefined) {
    await work.act("stop", () => withPatience(work, () => containers.stop(container)));
    await work.save((journal, now) => note(journal, { container: undefined }, now));
  }
  const { cordon } = work.journal();
  if (cordon === "none" || ending?.keepsCordon === true) return (journal) => journal;
  const found = await withPatience(work, () => node.look(work.signal));
  // Gone from its cluster, or uncordoned by somebody: there is nothing of ours any more.
  if (found?.unschedulable === true) {
    await work.act("uncordon", () => withPatience(work, () => node.uncordon(work.signal)));
  }
  return (journal) => setCordon(journal, "none");
}
