/** Containers on this node, through whatever runs containers here. */
import { createHash } from "node:crypto";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { nodePlatform, openImage, parsePinnedImage } from "../images/index.ts";
import { containerdDriver } from "./containerd/containerd-driver.ts";
import type { ImageRemoval, RuntimeDriver } from "./driver.ts";
import { engineDriver } from "./engine/engine-driver.ts";
import { findRuntimeThrough, type FindRuntimeOptions, type RuntimeSearch } from "./find-runtime.ts";
import { containerCalls } from "./io/container-calls.ts";
import { callContainerd } from "./io/containerd-calls.ts";
import { followLogs } from "./io/follow-logs.ts";
import { followRecorded } from "./io/follow-recorded.ts";
import type { ImageFiles, ReadFilesCall } from "./image-file.ts";
import { freeSpace } from "./io/free-space.ts";
import { lookAt } from "./io/look-at.ts";
import { makeMountSource } from "./io/make-mount-source.ts";
import { readInside } from "./io/read-inside.ts";
import { recorderCommand } from "./io/recorder-command.ts";
import { runFolder, type RunFolder } from "./io/run-folder.ts";
import { runTool } from "./io/run-tool.ts";
import { pullImageThrough, type PulledImage, type PullOptions } from "./pull-image.ts";
import { ownImagesThrough, removeImageThrough, type RemoveImageOptions } from "./remove-image.ts";
import { removeContainerThrough } from "./settle-leftover.ts";
import { runContainerThrough, type ContainerEnding, type RunOptions } from "./run-container.ts";
import type { RunOutside } from "./run-outside.ts";
import type { ContainerRuntime } from "./runtime.ts";

export interface ContainersOptions {
  /** Holds environment, files and recorded output of running containers; best in memory: /run/rancheros/containers. */
  readonly runFolder: string;
  /** Program and argument that record output; default is io/record-output.ts in a Node process. */
  readonly recorder?: readonly [program: string, argument: string];
}

/** Looks for what runs containers here. @throws ContainerError CONTAINER_SPEC_INVALID for a choice that makes no sense */
export function findRuntime(options: FindRuntimeOptions): Promise<RuntimeSearch> {
  return findRuntimeThrough({ lookAt }, options);
}

/**
 * Brings an image into the runtime's store, by digest; nothing to do where it is there.
 * @throws ImagePullError, ImageReferenceError, ContainerError
 */
export async function pullImage(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  options: PullOptions,
): Promise<PulledImage> {
  const driver = driverOf(runtime, containers);
  const folder = imageFolder(containers, "pull", parsePinnedImage(options.image).name);
  return pullImageThrough({ driver, folder, openImage, freeSpace, platform: nodePlatform(process.arch) }, options);
}

/**
 * Takes away an image that `pullImage` has brought, with its layers; nothing to do where it is gone. One that others had
 * here before, or that somebody's container is made of, stays.
 * @throws ImageReferenceError, ContainerError
 */
export async function removeImage(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  options: RemoveImageOptions,
): Promise<ImageRemoval> {
  const { name } = parsePinnedImage(options.image);
  const pullFolder = imageFolder(containers, "pull", name);
  const readFolder = imageFolder(containers, "read", name);
  return removeImageThrough({ driver: driverOf(runtime, containers), pullFolder, readFolder }, options);
}

/**
 * What `pullImage` has brought and nobody has removed yet, as HOST/REPOSITORY@DIGEST.
 * @throws ContainerError
 */
export function ownImages(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return ownImagesThrough(driverOf(runtime, containers), signal);
}

/**
 * Small files of a pulled image, without starting anything of it: release files, or whether a program is there.
 * @throws ContainerError CONTAINER_IMAGE_MISSING, CONTAINER_FILE_TOO_LARGE and what the runtime does
 */
export function readImageFiles(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  call: ReadFilesCall,
): Promise<ImageFiles> {
  return driverOf(runtime, containers).readFiles(call, imageFolder(containers, "read", call.image));
}

/**
 * Runs a container to its end, or watches the one of the same run that an earlier agent started.
 * @throws ContainerError
 */
export function runContainer(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  options: RunOptions,
): Promise<ContainerEnding> {
  return runContainerThrough(outsideOf(runtime, containers, options.spec.name), options);
}

/**
 * Ends and removes a container of this agent, if there is one.
 * @param graceMs  from SIGTERM to SIGKILL
 * @throws ContainerError CONTAINER_NAME_TAKEN, CONTAINER_LEFT_BEHIND
 */
export function removeContainer(
  runtime: ContainerRuntime,
  containers: ContainersOptions,
  name: string,
  graceMs: number,
): Promise<void> {
  return removeContainerThrough(outsideOf(runtime, containers, name), name, graceMs);
}

/**
 * The same each time: what a killed agent left in it goes with the next use.
 * @param image  as the runtime names it, which is without a tag beside the digest
 */
function imageFolder(containers: ContainersOptions, use: "pull" | "read", image: string): RunFolder {
  const name = createHash("sha256").update(image).digest("hex").slice(0, 16);
  return runFolder(containers.runFolder, `${use}-${name}`);
}

function outsideOf(runtime: ContainerRuntime, containers: ContainersOptions, name: string): RunOutside {
  const calls = containerCalls(path.resolve(containers.runFolder, `${name}.calls`));
  return {
    driver: driverOf(runtime, containers, (call) => runTool({ ...call, heldFile: calls.file })),
    folder: runFolder(containers.runFolder, name),
    calls,
    makeMountSource,
    // Whoever sets the clock, as at the start of a machine without one, neither ends a container nor lets it run on.
    nowMs: () => performance.now(),
    // It rejects only when it is broken off, and whoever waits looks at the signal.
    sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }).catch(() => undefined),
  };
}

function driverOf(
  runtime: ContainerRuntime,
  { recorder = recorderCommand() }: ContainersOptions,
  run: typeof runTool = runTool,
): RuntimeDriver {
  if (runtime.kind !== "containerd") return engineDriver(runtime.kind, runtime, { runTool: run, followLogs });
  const platform = nodePlatform(process.arch);
  const outside = { runTool: run, callContainerd, followRecorded, readInside, recorder, platform };
  return containerdDriver(runtime, outside);
}

export type { ContainerFile, ContainerMount, ContainerSpec, SecurityContext } from "./container-spec.ts";
export { CONTAINER_ERRORS, ContainerError } from "./errors.ts";
export type { ContainerErrorCode } from "./errors.ts";
export { runtimeMissing } from "./find-runtime.ts";
export type { FindRuntimeOptions, Look, RuntimeChoice, RuntimeSearch } from "./find-runtime.ts";
export type { ImageFile, ImageFiles, ReadFilesCall } from "./image-file.ts";
export { parseSecurityContext } from "./security-context.ts";
export type { OutputEvent, OutputStream } from "./output-lines.ts";
export type { PulledImage, PullOptions, PullProgress } from "./pull-image.ts";
export type { ImageRemoval } from "./driver.ts";
export type { RemoveImageOptions } from "./remove-image.ts";
export type { ContainerEnding, RunOptions } from "./run-container.ts";
export { describeRuntime, RUNTIME_KINDS } from "./runtime.ts";
export type { ContainerRuntime, RuntimeIdentity, RuntimeKind } from "./runtime.ts";
