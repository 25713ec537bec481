/** Which container runtime an upgrade goes by: found once, and kept to until it ends. */
import { note } from "../journal-edits.ts";
import { withPatience, type Work } from "../work.ts";

/** @throws what the search for it does */
export async function findRuntime(work: Work): Promise<void> {
  const { containers } = work.ports;
  const runtime = await withPatience(work, () => containers.find(work.signal));
  await work.save((journal, now) => note(journal, { runtime }, now));
  containers.hold(runtime);
}
