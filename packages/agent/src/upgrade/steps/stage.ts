/** Staging: the node works on while everything is looked at and fetched that can be. */
import { enter, runOf } from "../journal-edits.ts";
import { CLOUD_CONFIG_PATH } from "../container-run.ts";
import { UpgradeError } from "../errors.ts";
import type { Order, Releases } from "../journal.ts";
import { digestOf } from "../journal.ts";
import {
  isDowngrade,
  OS_RELEASE_BEHIND_LINK,
  RELEASE_FILES,
  RELEASE_MAX_BYTES,
  releaseOf,
  type Release,
} from "../release.ts";
import { imagesOf, removeOthersThan } from "../own-images.ts";
import { presentRun, say, withPatience, type Edit, type Work } from "../work.ts";
import { ended } from "./ended.ts";
import { afterStaging } from "./next-phase.ts";
import { pullImage } from "./pull-image.ts";

const CLOUD_CONFIG_MAX_BYTES = 1024 * 1024;

/** @throws UpgradeError, and what the container runtime and the registry do */
export async function stage(work: Work): Promise<Edit> {
  const { containers, host } = work.ports;
  const { order } = presentRun(work);
  await host.checkFolders();
  await withPatience(work, () => containers.find(work.signal));
  await removeOthersThan(work, imagesOf(order.plan));
  for (const image of imagesOf(order.plan)) await pull(work, image);
  await say(work, "the image is there, its release file is compared with the one that runs");
  const image = await imageRelease(work, order);
  const running = await runningRelease(work, image?.path);
  if (image !== undefined && image.sha256 === running?.sha256 && !(await hasMoreToDo(work, order))) {
    const message = "this operating system runs already: the release file of the image is the machine's own";
    return ended({ phase: "Succeeded", reason: undefined, message, keepsCordon: false, blamesImage: false });
  }
  if (!order.plan.allowDowngrade) refuseDowngrade(running, image);
  const path = image?.path ?? running?.path ?? RELEASE_FILES[0];
  const releases: Releases = { path, old: running?.sha256, new: image?.sha256 };
  await work.save((journal, now) => enter(journal, "Staging", now, { releases }));
  return afterStaging(work);
}

function refuseDowngrade(running: Release | undefined, image: Release | undefined): void {
  if (running === undefined || image === undefined || !isDowngrade(running, image)) return;
  const message = `the image holds version ${image.version ?? ""}, and ${running.version ?? ""} runs`;
  throw new UpgradeError("UPGRADE_DOWNGRADE", message);
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

/** @param path  where the image has its own */
async function runningRelease({ ports }: Work, path: string | undefined): Promise<Release | undefined> {
  for (const file of path === undefined ? RELEASE_FILES : [path]) {
    const content = await ports.host.readFile(file, RELEASE_MAX_BYTES);
    if (content !== undefined) return releaseOf(file, content);
  }
  return undefined;
}

/** Though the operating system is the same. */
async function hasMoreToDo({ ports }: Work, { plan, keepsCloudConfig }: Order): Promise<boolean> {
  if (plan.force) return true;
  if (keepsCloudConfig) return false;
  const present = await ports.host.readFile(CLOUD_CONFIG_PATH, CLOUD_CONFIG_MAX_BYTES);
  return (present?.toString("utf8") ?? "") !== (plan.cloudConfig ?? "");
}

/** What the new cloud config is to be: the plan's, or what the machine has. */
export async function cloudConfigFor(work: Work): Promise<string | undefined> {
  const { plan, keepsCloudConfig } = runOf(work.journal()).order;
  if (!keepsCloudConfig) return plan.cloudConfig;
  return (await work.ports.host.readFile(CLOUD_CONFIG_PATH, CLOUD_CONFIG_MAX_BYTES))?.toString("utf8");
}
