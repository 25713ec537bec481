/** Staging: the node works on while everything is looked at and fetched that can be. */
import { enter } from "../journal-edits.ts";
import { UpgradeError } from "../errors.ts";
import type { Order, Releases } from "../journal.ts";
import { digestOf } from "../journal.ts";
import { OS_RELEASE_BEHIND_LINK, RELEASE_FILES, releaseOf, type Release } from "../release.ts";
import { imagesOf, removeOthersThan } from "../own-images.ts";
import { presentRun, say, type Edit, type Work } from "../work.ts";
import { hasMoreToDo } from "./cloud-config.ts";
import { ended } from "./ended.ts";
import { findRuntime } from "./find-runtime.ts";
import { afterStaging } from "./next-phase.ts";
import { pullImage } from "./pull-image.ts";
import { refuseDowngrade } from "./refuse-downgrade.ts";
import { runningRelease, slotsFor, stageSlot } from "./stage-slot.ts";

/** @throws UpgradeError, and what the container runtime and the registry do */
export async function stage(work: Work): Promise<Edit> {
  await work.ports.host.checkFolders();
  const slots = slotsFor(work);
  const staged = slots === undefined ? undefined : await stageSlot(work, slots);
  return staged ?? stageImages(work);
}

async function stageImages(work: Work): Promise<Edit> {
  const { order } = presentRun(work);
  await findRuntime(work);
  await removeOthersThan(work, imagesOf(order.plan));
  for (const image of imagesOf(order.plan)) await pull(work, image);
  await say(work, "the image is there, its release file is compared with the one that runs");
  const image = await imageRelease(work, order);
  const running = await runningRelease(work, image?.path);
  if (image !== undefined && image.sha256 === running?.sha256 && !(await hasMoreToDo(work, order))) {
    const message = "this operating system runs already: the release file of the image is the machine's own";
    return ended({ phase: "Succeeded", reason: undefined, message, keepsCordon: false, blamesImage: false });
  }
  if (!presentRun(work).order.plan.allowDowngrade) refuseDowngrade(running, image);
  const path = image?.path ?? running?.path ?? RELEASE_FILES[0];
  const releases: Releases = { path, old: running?.sha256, new: image?.sha256 };
  await work.save((journal, now) => enter(journal, "Staging", now, { releases }));
  return afterStaging(work);
}

/** Kept by the runtime as soon as it is there: after a kill only what is missing is fetched. */
async function pull(work: Work, image: string): Promise<void> {
  const { reference } = presentRun(work).order.plan;
  await say(work, `pulling ${image === reference ? "the image" : image}`);
  const digest = await pullImage(work, image);
  if (digest === digestOf(image)) return;
  throw new UpgradeError("UPGRADE_IMAGE_MISMATCH", `${image} was asked for, and ${digest} came`);
}

/** Of the image of the operating system; another upgrade container says nothing of it. */
async function imageRelease(work: Work, { plan }: Order): Promise<Release | undefined> {
  if (plan.upgrade.image !== plan.reference) return undefined;
  for (const path of RELEASE_FILES) {
    const read = (file: string) => work.ports.containers.readImageFile(plan.reference, file, work.signal);
    const isOsRelease = path === "/etc/os-release";
    const content = (await read(path)) ?? (isOsRelease ? await read(OS_RELEASE_BEHIND_LINK) : undefined);
    if (content !== undefined) return releaseOf(path, content);
  }
  return undefined;
}
