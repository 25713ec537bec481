/** Reads files of an image that is in containerd's store, by mounting it read-only for that time. */
import type { Platform } from "../../images/index.ts";
import type { ImageFile, ImageFiles, ReadFilesCall } from "../image-file.ts";
import { imageMissing } from "../image-missing.ts";
import type { readInside } from "../io/read-inside.ts";
import type { RunFolder } from "../io/run-folder.ts";
import type { runTool } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";
import { withCleanUp } from "../with-clean-up.ts";
import { chainId } from "./chain-id.ts";
import { saysNotFound } from "./ctr-answers.ts";
import { SLOW_TIMEOUT_MS, type Ctr } from "./ctr.ts";
import { mountArguments, type MountArguments } from "./mount-arguments.ts";
import { snapshotterOf } from "./snapshotter.ts";
import { storedConfig } from "./stored-image.ts";

export interface ReadFilesOptions {
  readonly runtime: ContainerRuntime;
  readonly ctr: Ctr;
  readonly platform: Platform;
  readonly folder: RunFolder;
  readonly runTool: typeof runTool;
  readonly readInside: typeof readInside;
}

const MOUNT_TIMEOUT_MS = 60_000;

/**
 * Not by `ctr images mount`: containerd 2.4 keeps a mount of its own for each, for as long as it finds no garbage to collect.
 * @throws ContainerError
 */
export async function readFiles(options: ReadFilesOptions, call: ReadFilesCall): Promise<ImageFiles> {
  const { ctr, folder, platform } = options;
  const { diffIds } = await storedConfig(ctr, call.image, platform);
  // The same each time: what a killed reader left is found and removed.
  const key = holdName(folder.path);
  const target = `${folder.path}/root`;
  const snapshots = ["snapshots", ...snapshotterOf(options.runtime)];
  await removeView(options);
  await folder.prepare();
  await folder.makeFolder("root");
  const look = async (): Promise<ImageFiles> => {
    const what = `looking into ${call.image}`;
    // Not "view": of what that makes, a collection of garbage takes everything at any moment. This has the label that keeps it.
    const viewed = await ctr.outcome([...snapshots, "prepare", key, chainId(diffIds)], { what });
    if (viewed.kind === "failed" && saysNotFound(viewed.stderr)) throw imageMissing(call.image);
    if (viewed.kind !== "ok") throw toolFailure(what, viewed);
    await mount(options, mountArguments(await ctr.text([...snapshots, "mounts", target, key], { what }), target));
    const files = new Map<string, ImageFile>();
    for (const path of call.paths) files.set(path, await options.readInside(target, path, call.maxBytes));
    return files;
  };
  return withCleanUp(look, async () => {
    await removeView(options);
    await folder.remove();
  });
}

/** Also the one that a killed reader left. @throws ContainerError */
export async function removeView(
  options: Pick<ReadFilesOptions, "runtime" | "ctr" | "folder" | "runTool">,
): Promise<void> {
  const { runtime, ctr, folder } = options;
  const key = holdName(folder.path);
  await unmount(options, `${folder.path}/root`);
  const what = `removing the view ${key}`;
  const removed = await ctr.outcome(["snapshots", ...snapshotterOf(runtime), "rm", key], {
    what,
    timeoutMs: SLOW_TIMEOUT_MS,
  });
  if (removed.kind === "ok" || (removed.kind === "failed" && saysNotFound(removed.stderr))) return;
  throw toolFailure(what, removed);
}

/** Of a snapshot or a lease: that of its folder, so that the next one finds what a killed one left. */
export function holdName(folder: string): string {
  return `ros-agent-${folder.slice(folder.lastIndexOf("/") + 1)}`;
}

async function unmount({ runTool }: Pick<ReadFilesOptions, "runTool">, target: string): Promise<void> {
  const outcome = await runTool({ program: "umount", args: [target], timeoutMs: MOUNT_TIMEOUT_MS });
  if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotMounted(outcome.stderr))) return;
  throw toolFailure("umount of an image", outcome);
}

/** Also of a folder that is not there. Source: util-linux, umount; busybox's says "Invalid argument" and the like */
function saysNotMounted(stderr: string): boolean {
  return /not mounted|no mount point|not found|no such file|invalid argument/i.test(stderr);
}

async function mount({ runTool }: Pick<ReadFilesOptions, "runTool">, started: MountArguments): Promise<void> {
  const outcome = await runTool({ program: "mount", ...started, timeoutMs: MOUNT_TIMEOUT_MS });
  if (outcome.kind !== "ok") throw toolFailure("mount of an image", outcome);
}
