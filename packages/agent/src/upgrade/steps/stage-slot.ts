/** Staging on a machine with two slots: the image is written into the one that does not run, while the node works on. */
import { isUsualUpgrade } from "../container-run.ts";
import { enter } from "../journal-edits.ts";
import { digestOf, type Order } from "../journal.ts";
import { imagesOf, removeOthersThan } from "../own-images.ts";
import type { StagedSystem, SystemSlotsPort } from "../ports.ts";
import { OS_RELEASE_BEHIND_LINK, RELEASE_FILES, RELEASE_MAX_BYTES, releaseOf, type Release } from "../release.ts";
import { presentRun, say, withPatience, type Edit, type Work } from "../work.ts";
import { applyCloudConfig, hasMoreToDo } from "./cloud-config.ts";
import { ended } from "./ended.ts";
import { findRuntime } from "./find-runtime.ts";
import { afterStaging } from "./next-phase.ts";
import { pullImage } from "./pull-image.ts";
import { refuseDowngrade } from "./refuse-downgrade.ts";

/** The machine's slots, where this upgrade is theirs: one that names a container of its own goes its own way. */
export function slotsFor(work: Work): SystemSlotsPort | undefined {
  const { slots } = work.ports;
  return slots?.running() !== undefined && isUsualUpgrade(presentRun(work).order.plan) ? slots : undefined;
}

/**
 * @returns undefined where the image brings its own way to be installed, and nothing is decided
 * @throws SlotError, ImagePullError, UpgradeError UPGRADE_DOWNGRADE
 */
export async function stageSlot(work: Work, slots: SystemSlotsPort): Promise<Edit | undefined> {
  const { order } = presentRun(work);
  const { plan } = order;
  if (!plan.force && (await slots.runningDigest()) === digestOf(plan.reference)) return runsAlready(work, order);
  await say(work, "writing the image into the slot that does not run");
  const staged = await withPatience(work, () => write(work, slots));
  if (staged === undefined) return undefined;
  const image = releaseIn(staged);
  const running = await runningRelease(work, image?.path);
  if (!presentRun(work).order.plan.allowDowngrade) refuseDowngrade(running, image);
  await withPatience(work, () => slots.requireRoom(staged.slot, work.signal));
  await pullOthers(work);
  const path = image?.path ?? running?.path ?? RELEASE_FILES[0];
  const releases = { path, old: running?.sha256, new: image?.sha256 };
  await work.save((journal, now) => enter(journal, "Staging", now, { releases, target: staged.slot }));
  return afterStaging(work);
}

async function runsAlready(work: Work, order: Order): Promise<Edit> {
  const isNewConfig = await hasMoreToDo(work, order);
  if (isNewConfig) await applyCloudConfig(work);
  const then = isNewConfig ? "; the new cloud config holds from the next start on" : "";
  const message = `this image runs already${then}`;
  return ended({ phase: "Succeeded", reason: undefined, message, keepsCordon: false, blamesImage: false });
}

function write(work: Work, slots: SystemSlotsPort): Promise<StagedSystem | undefined> {
  const { plan } = presentRun(work).order;
  return work.act("pull", () =>
    slots.write(plan.reference, {
      credentials: plan.credentials,
      signal: work.signal,
      onProgress: (message) => say(work, message),
      files: [...RELEASE_FILES, OS_RELEASE_BEHIND_LINK],
    }),
  );
}

/** What prepares runs as a container, and needs an image in the container runtime. */
async function pullOthers(work: Work): Promise<void> {
  const { plan } = presentRun(work).order;
  if (plan.prepare === undefined) return;
  await findRuntime(work);
  await removeOthersThan(work, imagesOf(plan));
  await pullImage(work, plan.prepare.image);
}

function releaseIn({ files }: StagedSystem): Release | undefined {
  for (const path of RELEASE_FILES) {
    const isOsRelease = path === "/etc/os-release";
    const content = files.get(path) ?? (isOsRelease ? files.get(OS_RELEASE_BEHIND_LINK) : undefined);
    if (content !== undefined) return releaseOf(path, content);
  }
  return undefined;
}

/** @param path  where the image has its own */
export async function runningRelease({ ports }: Work, path: string | undefined): Promise<Release | undefined> {
  for (const file of path === undefined ? RELEASE_FILES : [path]) {
    const content = await ports.host.readFile(file, RELEASE_MAX_BYTES);
    if (content !== undefined) return releaseOf(file, content);
  }
  return undefined;
}
