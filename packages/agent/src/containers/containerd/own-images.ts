/** Images in containerd's store that carry this program's label: how they get it, and how they go. */
import { pinnedImageNamed, type PinnedImage } from "../../images/index.ts";
import { NAME_PREFIX } from "../container-spec.ts";
import type { ImageRemoval, RemoveImageCall } from "../driver.ts";
import { MANAGED_LABEL, MANAGER } from "../mark.ts";
import { toolFailure } from "../tool-failure.ts";
import { imageUsers, saysNotFound, storedImages } from "./ctr-answers.ts";
import { SLOW_TIMEOUT_MS, type Ctr } from "./ctr.ts";

/** The kubelet removes images that no pod uses when the disk fills up, but not those with this label. Source: containerd CRI labels.go */
const PINNED_LABEL = "io.cri-containerd.pinned";
/** An image as containerd's CRI plugin names it besides, by its configuration. Source: containerd CRI image_pull.go */
const CRI_IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

/** Of what is this program's own. */
export const OWN_LABELS = [`${PINNED_LABEL}=pinned`, `${MANAGED_LABEL}=${MANAGER}`] as const;
/** Of what others had here before, and a pull has mended. */
export const PINNED_ONLY = [`${PINNED_LABEL}=pinned`] as const;

/** Gives it its own name first, where the same image is there under another. @throws ContainerError */
export async function markImage(ctr: Ctr, { name, digest }: PinnedImage): Promise<void> {
  const images = storedImages(await ctr.text(["images", "ls"], { what: "listing images" }));
  const other = images.find((one) => one.digest === digest);
  if (other !== undefined && !images.some((one) => one.name === name)) {
    await ctr.text(["images", "tag", other.name, name], { what: `naming ${name}` });
  }
  await ctr.text(["images", "label", name, ...OWN_LABELS], { what: `labelling ${name}` });
}

/** @throws ContainerError */
export async function ownImages(ctr: Ctr, signal?: AbortSignal): Promise<readonly PinnedImage[]> {
  const filter = `labels."${MANAGED_LABEL}"==${MANAGER}`;
  const printed = await ctr.text(["images", "ls", "--quiet", filter], { what: "listing own images", signal });
  const names = printed.split("\n").filter((line) => line.trim() !== "");
  // Whoever gives one of them another name gives that the label too.
  return names.flatMap((name) => pinnedImageNamed(name.trim()) ?? []);
}

/**
 * The image's name, and with it what only this name kept: layers, snapshots, and what the CRI plugin has noted of it.
 * @throws ContainerError
 */
export async function removeImage(ctr: Ctr, call: RemoveImageCall): Promise<ImageRemoval> {
  const { image, isClaimed, signal } = call;
  const what = `removing the image ${image.name}`;
  const images = storedImages(await ctr.text(["images", "ls"], { what, signal }));
  const known = images.find(({ name }) => name === image.name);
  if (known === undefined) return "absent";
  const isMarked = (await ownImages(ctr, signal)).some(({ name }) => name === image.name);
  if (!isMarked && !(isClaimed && known.digest === image.digest)) return "foreign";
  const others = images.filter(({ name, digest }) => digest === known.digest && name !== image.name);
  const names = new Set([image.name, ...others.map(({ name }) => name)]);
  const all = imageUsers(await ctr.text(["containers", "ls"], { what, signal }));
  const users = all.filter((one) => names.has(one.image));
  // One of this program's own that could not be removed: the image goes another time.
  if (users.some(({ container }) => container.startsWith(NAME_PREFIX))) return "in-use";
  if (users.length > 0) {
    // From now on it is the node's, and the kubelet may remove it when nothing needs it.
    const cleared = [`${PINNED_LABEL}=`, `${MANAGED_LABEL}=`];
    await ctr.text(["images", "label", image.name, ...cleared], { what, signal });
    return "in-use";
  }
  const isAlone = others.every(({ name }) => CRI_IMAGE_ID.test(name));
  const notes = isAlone ? others.map(({ name }) => name) : [];
  // Not broken off in the middle: the last waits until what nothing needs any more is gone.
  const args = ["images", "rm", "--sync", ...notes, image.name];
  const outcome = await ctr.outcome(args, { what, timeoutMs: SLOW_TIMEOUT_MS });
  if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) return "removed";
  throw toolFailure(what, outcome);
}
