/** Preparing: the plan's prepare container runs; the node still works. */
import { note } from "../journal-edits.ts";
import { prepareRun } from "../container-run.ts";
import { UpgradeError } from "../errors.ts";
import { presentRun, type Edit, type Work } from "../work.ts";
import { afterPreparing } from "./next-phase.ts";
import { runContainer } from "./run-container.ts";

/** @throws UpgradeError UPGRADE_PREPARE_FAILED, and what the container runtime does */
export async function prepare(work: Work): Promise<Edit> {
  const end = await runContainer(work, prepareRun);
  if (end !== undefined && (end.kind !== "exited" || end.exitCode !== 0)) {
    const how = end.kind === "exited" ? `ended with ${end.exitCode}` : "ended, and nobody knows how";
    throw new UpgradeError("UPGRADE_PREPARE_FAILED", [`the prepare container ${how}`, ...end.lastLines].join("\n"));
  }
  if (presentRun(work).container !== undefined) {
    await work.save((journal, now) => note(journal, { container: undefined }, now));
  }
  return afterPreparing(work);
}
