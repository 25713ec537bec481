/** Loads an image into containerd's store from the relay of this process. */
import { platformText, type PinnedImage } from "../../images/index.ts";
import type { LoadCall, StoredImageState } from "../driver.ts";
import { hostsToml } from "../hosts-toml.ts";
import type { ToolOutcome } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";
import type { ContainerdApi } from "./containerd-api.ts";
import { isImageRunnable, saysUnknownFlag, storedImages } from "./ctr-answers.ts";
import { QUICK_TIMEOUT_MS, type Ctr } from "./ctr.ts";
import { holdImage, ingestsOf, releaseImage } from "./image-hold.ts";
import { OWN_LABELS, PINNED_ONLY } from "./own-images.ts";
import { holdName } from "./read-files.ts";
import { snapshotterOf } from "./snapshotter.ts";

/** A pull has no deadline of its own: the relay gives up where nothing comes, and the signal ends it. */
const PULL_TIMEOUT_MS = 24 * 3_600_000;

/** @throws ContainerError */
export async function loadImage(
  runtime: ContainerRuntime,
  ctr: Ctr,
  api: ContainerdApi,
  call: LoadCall,
): Promise<void> {
  const { description, relay, folder, isOwn, signal } = call;
  const labels = isOwn ? OWN_LABELS : PINNED_ONLY;
  const login = Buffer.from(`${relay.username}:${relay.password}`).toString("base64");
  await folder.write("_default/hosts.toml", hostsToml(relay.host, login));
  const pull = (more: readonly string[]): Promise<ToolOutcome> =>
    ctr.outcome(
      [
        "images",
        "pull",
        "--hosts-dir",
        folder.path,
        "--platform",
        platformText(description.platform),
        ...labels.flatMap((label) => ["--label", label]),
        ...snapshotterOf(runtime),
        ...more,
        description.image.name,
      ],
      { what: "pulling", timeoutMs: PULL_TIMEOUT_MS, signal },
    );
  // The other platforms' manifests are not needed, and not there.
  const pullOnce = async (): Promise<ToolOutcome> => {
    const outcome = await pull(["--skip-metadata"]);
    return outcome.kind === "failed" && saysUnknownFlag(outcome.stderr, "skip-metadata") ? pull([]) : outcome;
  };
  const what = `loading ${description.image.name}`;
  const name = holdName(folder.path);
  await holdImage(ctr, api, { name, description, signal });
  const first = await pullOnce();
  if (first.kind !== "ok") {
    const failure = toolFailure(what, first);
    const isWrong = failure.code === "CONTAINER_IMAGE_WRONG" || relay.failure()?.code === "IMAGE_DIGEST_WRONG";
    // Half-loaded layers are resumed for ever, also where their beginning is wrong: containerd notices that at the end only, and keeps them.
    const dropped = isWrong ? await api.abortIngests(ingestsOf(description), signal) : 0;
    // What was damaged on this node, such as by a power cut, is loaded anew; what the registry has wrong stays wrong.
    if (dropped === 0 || relay.failure() !== undefined) throw failure;
    const second = await pullOnce();
    if (second.kind !== "ok") throw toolFailure(what, second);
  }
  await releaseImage(ctr, name, { andCollect: false });
}

/**
 * Takes an image of the same digest under whatever name: one that an administrator has imported needs no registry.
 * @throws ContainerError
 */
export async function imageState(runtime: ContainerRuntime, ctr: Ctr, image: PinnedImage): Promise<StoredImageState> {
  const { name, digest } = image;
  const images = storedImages(await ctr.text(["images", "ls"], { what: "listing images" }));
  const known = images.find((one) => one.name === name);
  if (known !== undefined && known.digest !== digest) return "other";
  const same = known ?? images.find((one) => one.digest === digest);
  if (same === undefined) return "absent";
  const printed = await ctr.text(["images", "check", ...snapshotterOf(runtime), `name==${same.name}`], {
    what: `checking ${name}`,
    timeoutMs: QUICK_TIMEOUT_MS,
  });
  if (!isImageRunnable(printed, same.name)) return known === undefined ? "absent" : "partial";
  return known === undefined ? "unnamed" : "complete";
}
