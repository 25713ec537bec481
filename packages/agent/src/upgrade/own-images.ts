/** The images that upgrades bring onto the machine, and when they go again: some GB each, which nobody else would remove. */
import { hasCode } from "@rancheros/protocol/errors";
import type { Plan } from "@rancheros/protocol/upgrade";

import { PREPARE_CONTAINER, UPGRADE_CONTAINER } from "./container-run.ts";
import { forgetImage } from "./journal-edits.ts";
import { digestOf, type Ending } from "./journal.ts";
import type { ContainerPort } from "./ports.ts";
import { presentRun, withPatience, type Work } from "./work.ts";

/** What a plan's containers are made of. */
export function imagesOf({ upgrade, prepare }: Plan): readonly string[] {
  return [...new Set([upgrade.image, ...(prepare === undefined ? [] : [prepare.image])])];
}

/**
 * Who has lost a slot is likely to get another for the same image, and does not fetch it twice. It stays until the next upgrade
 * begins, so at most those of one upgrade are ever kept.
 */
export function keepsImages({ reason }: Ending): boolean {
  return reason?.code === "UPGRADE_SLOT_LOST";
}

/** Those of the journal. What cannot be removed now is a remark, and is swept away another time. @throws only when left */
export async function removeImages(work: Work): Promise<void> {
  const { signal } = work;
  const { containers } = work.ports;
  const { images } = work.journal();
  if (images.length === 0) return;
  // Just after a restart it may not have started yet.
  await remark(work, () => withPatience(work, async () => void (await containers.find(signal))));
  // The end of a machine's restart is not always seen by whoever started them; they hold their image.
  for (const name of [PREPARE_CONTAINER, UPGRADE_CONTAINER]) await remark(work, () => containers.stop(name));
  for (const { reference } of images) await removeOne(work, reference);
}

/** Before a plan's images are fetched there is room made: what earlier upgrades kept or could not remove goes. */
export async function removeOthersThan(work: Work, wanted: readonly string[]): Promise<void> {
  const digests = new Set(wanted.map(digestOf));
  for (const { reference } of work.journal().images) {
    if (!digests.has(digestOf(reference))) await removeOne(work, reference);
  }
  await sweepImages(work.ports.containers, { keep: wanted, signal: work.signal, log: work.log });
}

export interface Sweep {
  readonly keep: readonly string[];
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
}

/** All that pulls have brought but what is to be kept. Never throws. */
export async function sweepImages(containers: ContainerPort, { keep, signal, log }: Sweep): Promise<void> {
  const digests = new Set(keep.map(digestOf));
  try {
    for (const image of await containers.ownImages(signal)) {
      if (signal.aborted) return;
      if (!digests.has(digestOf(image))) await containers.removeImage(image, { isClaimed: false, signal });
    }
  } catch (error) {
    // A machine that has nothing for containers has no images.
    if (!signal.aborted && !hasCode(error, "CONTAINER_RUNTIME_MISSING")) log(`images of before: ${wordsOf(error)}`);
  }
}

async function removeOne(work: Work, image: string): Promise<void> {
  const { containers } = work.ports;
  const { signal } = work;
  await work.act("remove-image", () => remark(work, () => containers.removeImage(image, { isClaimed: true, signal })));
  await work.save((journal) => forgetImage(journal, image));
}

async function remark(work: Work, does: () => Promise<void>): Promise<void> {
  try {
    await does();
  } catch (error) {
    if (work.signal.aborted) throw error;
    work.log(`after the upgrade to ${presentRun(work).order.plan.osImage}: ${wordsOf(error)}`);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
