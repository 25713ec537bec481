/** Reads files of an image that is in containerd's store, by mounting it read-only for that time. */
import type { Platform } from "../../images/index.ts";
import { ContainerError } from "../errors.ts";
import type { ImageFile, ImageFiles, ReadFilesCall } from "../image-file.ts";
import type { readInside } from "../io/read-inside.ts";
import type { RunFolder } from "../io/run-folder.ts";
import type { runTool } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";
import { chainId } from "./chain-id.ts";
import { saysNotFound } from "./ctr-answers.ts";
import { SLOW_TIMEOUT_MS, type Ctr } from "./ctr.ts";
import { snapshotterOf } from "./snapshotter.ts";
import { imageMissing, storedConfig } from "./stored-image.ts";

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
  const clean = (): Promise<void> => removeView(options);
  await clean();
  await folder.prepare();
  await folder.makeFolder("root");
  try {
    const what = `looking into ${call.image}`;
    const viewed = await ctr.outcome([...snapshots, "view", key, chainId(diffIds)], { what });
    if (viewed.kind === "failed" && saysNotFound(viewed.stderr)) throw imageMissing(call.image);
    if (viewed.kind !== "ok") throw toolFailure(what, viewed);
    await run(
      options,
      "mount",
      mountArguments(await ctr.text([...snapshots, "mounts", target, key], { what }), target),
    );
    const files = new Map<string, ImageFile>();
    for (const path of call.paths) files.set(path, await options.readInside(target, path, call.maxBytes));
    return files;
  } finally {
    await clean();
    await folder.remove();
  }
}

/** Also the one that a killed reader left. @throws ContainerError */
export async function removeView(
  options: Pick<ReadFilesOptions, "runtime" | "ctr" | "folder" | "runTool">,
): Promise<void> {
  const { runtime, ctr, folder } = options;
  const key = holdName(folder.path);
  await run(options, "umount", [`${folder.path}/root`]).catch(() => undefined);
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

/**
 * Of `ctr snapshots mounts`: the command that a person would type, `mount -t overlay overlay TARGET -o OPTIONS`.
 * @throws ContainerError CONTAINER_NONSENSE for anything else; other snapshotters may need more than one
 */
export function mountArguments(printed: string, target: string): readonly string[] {
  const words = printed.trim().split(/\s+/);
  const [command, flag, type = "", source = "", place, optionFlag, options = ""] = words;
  const good = command === "mount" && flag === "-t" && optionFlag === "-o" && place === target && words.length === 7;
  if (!good || options === "" || source === "") {
    throw new ContainerError("CONTAINER_NONSENSE", "ctr told no single mount for the image's files", {
      details: { printed: printed.slice(0, 300) },
    });
  }
  const readOnly = options.split(",").includes("ro") ? options : `ro,${options}`;
  return type === "bind" ? ["-o", readOnly, source, target] : ["-t", type, "-o", readOnly, source, target];
}

async function run(
  { runTool }: Pick<ReadFilesOptions, "runTool">,
  program: "mount" | "umount",
  args: readonly string[],
): Promise<void> {
  const outcome = await runTool({ program, args, timeoutMs: MOUNT_TIMEOUT_MS });
  if (outcome.kind !== "ok") throw toolFailure(`${program} of an image`, outcome);
}
