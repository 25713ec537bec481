/** Containers through containerd's ctr. The shim, not this process, is their parent: they outlive the agent. */
import type { Platform } from "../../images/index.ts";
import type { ContainerSpec } from "../container-spec.ts";
import type { ContainerState, RuntimeDriver, StartCall, StartOutcome } from "../driver.ts";
import type { callContainerd } from "../io/containerd-calls.ts";
import type { followRecorded } from "../io/follow-recorded.ts";
import { ContainerError } from "../errors.ts";
import { afterFailedStart, nameTaken } from "../failed-start.ts";
import { imageMissing } from "../image-missing.ts";
import type { readInside } from "../io/read-inside.ts";
import type { runTool, ToolOutcome } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { lastWords, toolFailure } from "../tool-failure.ts";
import { containerLabels, saysAlreadyExists, saysNotFound, saysUnknownFlag } from "./ctr-answers.ts";
import { ctrRunArguments } from "./ctr-arguments.ts";
import { containerdApi, type TaskLook } from "./containerd-api.ts";
import { ctrOf, SLOW_TIMEOUT_MS } from "./ctr.ts";
import { releaseImage } from "./image-hold.ts";
import { imageState, loadImage } from "./load-image.ts";
import { missingParts } from "./missing-parts.ts";
import { markImage, ownImages, removeImage } from "./own-images.ts";
import { holdName, readFiles, removeView } from "./read-files.ts";
import { snapshotterOf } from "./snapshotter.ts";
import { storageFolder } from "./storage-folder.ts";
import { storedConfig, storedDigest } from "./stored-image.ts";

/** A task that ends takes a moment; one that does not is asked for again, the last time with all patience. */
const TASK_TIMEOUT_MS = 15_000;
const TASK_ATTEMPTS = 3;

const KINDS = {
  absent: "gone",
  created: "idle",
  "at-work": "running",
  unknown: "running",
  ended: "ended",
} as const satisfies Record<TaskLook["kind"], ContainerState["kind"]>;

export interface ContainerdOutside {
  readonly runTool: typeof runTool;
  readonly callContainerd: typeof callContainerd;
  readonly followRecorded: typeof followRecorded;
  readonly readInside: typeof readInside;
  /** Program and argument that start io/record-output.ts; the folder is its second argument. */
  readonly recorder: readonly [program: string, argument: string];
  readonly platform: Platform;
}

export function containerdDriver(runtime: ContainerRuntime, outside: ContainerdOutside): RuntimeDriver {
  const ctr = ctrOf(runtime, outside.runTool);
  const api = containerdApi(runtime, outside.callContainerd);

  async function inspect(name: string): Promise<ContainerState> {
    const what = `looking for the container ${name}`;
    const info = await ctr.outcome(["containers", "info", name], { what });
    if (info.kind === "failed" && saysNotFound(info.stderr)) return { kind: "absent" };
    if (info.kind !== "ok") throw toolFailure(what, info);
    const labels = containerLabels(info.stdout.toString("utf8"));
    const { kind } = await api.task(name);
    return { kind: KINDS[kind], labels };
  }

  async function runDetached(call: StartCall, sharedPropagation: boolean): Promise<ToolOutcome> {
    const { snapshotter } = runtime;
    const { recorder } = outside;
    const commandLine = await commandLineOf(call.spec);
    const args = ctrRunArguments(call, { snapshotter, recorder, commandLine, sharedPropagation });
    // Not broken off in the middle: it would leave behind half a container.
    return ctr.outcome(args, { what: "starting", timeoutMs: SLOW_TIMEOUT_MS });
  }

  /** ctr knows the whole command line or nothing. */
  async function commandLineOf(spec: ContainerSpec): Promise<readonly string[]> {
    const { command, args } = spec;
    if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])];
    if (args === undefined) return [];
    const { entrypoint } = await storedConfig(ctr, spec.image, outside.platform);
    return [...entrypoint, ...args];
  }

  async function start(call: StartCall): Promise<StartOutcome> {
    const { name, image } = call.spec;
    const what = `starting the container ${name}`;
    if ((await storedDigest(ctr, image)) === undefined) throw imageMissing(image);
    let outcome = await runDetached(call, true);
    if (outcome.kind === "failed" && saysUnknownFlag(outcome.stderr, "rootfs-propagation")) {
      outcome = await runDetached(call, false);
    }
    if (outcome.kind === "ok") return { kind: "started" };
    if (outcome.kind === "failed" && saysAlreadyExists(outcome.stderr))
      return nameTaken(name, lastWords(outcome.stderr));
    return afterFailedStart({ inspect, remove }, call, toolFailure(what, outcome));
  }

  /** Of a task that was made and never started, ctr may have missed the end that it waits for: it is asked anew. */
  async function removeTask(name: string, what: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const timeoutMs = attempt < TASK_ATTEMPTS ? TASK_TIMEOUT_MS : SLOW_TIMEOUT_MS;
      const outcome = await ctr.outcome(["tasks", "rm", "--force", name], { what, timeoutMs });
      if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) return;
      if (outcome.kind !== "timed-out" || attempt === TASK_ATTEMPTS) throw toolFailure(what, outcome);
    }
  }

  async function remove(name: string): Promise<void> {
    const what = `removing the container ${name}`;
    // What follows would kill it, and with it maybe what another call has just started.
    if ((await api.task(name)).kind === "at-work") {
      throw new ContainerError(
        "CONTAINER_LEFT_BEHIND",
        `the container ${name} runs, and is not removed before it has ended`,
      );
    }
    await removeTask(name, what);
    const steps = [
      ["containers", "rm", name],
      // Is there without a container where `ctr run` was ended in between.
      ["snapshots", ...snapshotterOf(runtime), "rm", name],
    ];
    for (const args of steps) {
      const outcome = await ctr.outcome(args, { what, timeoutMs: SLOW_TIMEOUT_MS });
      if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) continue;
      throw toolFailure(what, outcome);
    }
  }

  return {
    inspect,
    start,
    remove,
    nameOf: (image) => image.name,
    storedImage: (image) => imageState(runtime, ctr, image),
    load: (call) => loadImage(runtime, ctr, api, call),
    readFiles: (call, folder) => {
      return readFiles({ ...outside, runtime, ctr, folder }, call);
    },
    mark: (image) => markImage(ctr, image),
    ownImages: (signal) => ownImages(ctr, signal),
    removeImage: (call) => removeImage(ctr, call),
    async cleanUp({ pullFolder, readFolder }) {
      await removeView({ runTool: outside.runTool, runtime, ctr, folder: readFolder });
      await releaseImage(ctr, holdName(pullFolder.path), { andCollect: true });
    },
    storageNeed: (description) => missingParts(runtime, ctr, description),
    storageFolder: () => storageFolder(runtime, ctr),
    async signal(name, signal) {
      const what = `ending the container ${name}`;
      // The first process is asked, and all of them are killed.
      const all = signal === "SIGKILL" ? ["--all"] : [];
      const outcome = await ctr.outcome(["tasks", "kill", ...all, "--signal", signal, name], { what });
      if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) return;
      throw toolFailure(what, outcome);
    },
    async exitCode(name) {
      const task = await api.task(name);
      if (task.kind === "ended") return task.exitCode;
      if (task.kind !== "at-work") return undefined;
      const message = `containerd does not say at this moment how the container ${name} has ended`;
      throw new ContainerError("CONTAINER_TIMED_OUT", message);
    },
    async letGo(name) {
      const what = `letting go of the container ${name}`;
      const outcome = await ctr.outcome(["tasks", "rm", name], { what });
      if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) return;
      throw toolFailure(what, outcome);
    },
    followOutput(_name, folder, lines) {
      return { ...outside.followRecorded(folder, lines), close: () => undefined };
    },
  };
}
