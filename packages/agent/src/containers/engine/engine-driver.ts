/** Containers through docker, podman or nerdctl, which share docker's command line. */
import type { PinnedImage } from "../../images/index.ts";
import type { ContainerState, LoadCall, RuntimeDriver, StartCall, StartOutcome, StoredImageState } from "../driver.ts";
import type { ContainerError } from "../errors.ts";
import { afterFailedStart, nameTaken } from "../failed-start.ts";
import type { ImageFile, ImageFiles, ReadFilesCall } from "../image-file.ts";
import { imageMissing } from "../image-missing.ts";
import type { followLogs } from "../io/follow-logs.ts";
import type { runTool, ToolCall, ToolOutcome } from "../io/run-tool.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { lastWords, toolFailure, type ToolFailure } from "../tool-failure.ts";
import { withCleanUp } from "../with-clean-up.ts";
import { copiedFile } from "./copied-file.ts";
import {
  parseInspected,
  repoDigests,
  saysNameTaken,
  saysNoSuchImage,
  saysNoSuchPath,
  saysNoSuchThing,
  saysNotRunning,
  saysNotShared,
} from "./engine-answers.ts";
import { engineRunArguments, type EngineKind, type Propagation } from "./engine-arguments.ts";
import { preparePull, runnableName, storedName } from "./engine-pull.ts";
import { markImage, ownImages, removeImage } from "./own-images.ts";

export interface EngineOutside {
  readonly runTool: typeof runTool;
  readonly followLogs: typeof followLogs;
}

const QUICK_TIMEOUT_MS = 60_000;
const SLOW_TIMEOUT_MS = 600_000;
/** A pull has no deadline of its own: the relay gives up where nothing comes, and the signal ends it. */
const PULL_TIMEOUT_MS = 24 * 3_600_000;
const PROPAGATIONS: readonly Propagation[] = ["rshared", "rslave", "rprivate"];
/** The archive around a file. */
const ARCHIVE_BYTES = 64 * 1024;
const DEFAULT_STORAGE: Readonly<Record<EngineKind, string>> = {
  docker: "/var/lib/docker",
  podman: "/var/lib/containers/storage",
  nerdctl: "/var/lib/containerd",
};

type More = Partial<Pick<ToolCall, "timeoutMs" | "signal" | "maxOutputBytes" | "environment">>;

export function engineDriver(kind: EngineKind, runtime: ContainerRuntime, outside: EngineOutside): RuntimeDriver {
  const [program, ...first] = runtime.program;
  const prefix = [...first, ...placeArguments(kind, runtime)];
  const outcome = (args: readonly string[], more: More = {}): Promise<ToolOutcome> =>
    outside.runTool({ program, args: [...prefix, ...args], timeoutMs: QUICK_TIMEOUT_MS, ...more });
  /** Undefined where there is no such thing. */
  async function unlessAbsent(what: string, args: readonly string[], more: More = {}): Promise<Buffer | undefined> {
    const ended = await outcome(args, more);
    if (ended.kind === "ok") return ended.stdout;
    if (ended.kind === "failed" && saysNoSuchThing(ended.stderr)) return undefined;
    throw toolFailure(what, ended);
  }

  async function inspected(name: string): Promise<ReturnType<typeof parseInspected> | undefined> {
    const printed = await unlessAbsent(`looking for the container ${name}`, ["container", "inspect", name]);
    return printed === undefined ? undefined : parseInspected(printed.toString("utf8"));
  }

  async function inspect(name: string): Promise<ContainerState> {
    const found = await inspected(name);
    if (found === undefined) return { kind: "absent" };
    return { kind: found.status === "created" ? "idle" : found.status, labels: found.labels };
  }

  async function remove(name: string): Promise<void> {
    await unlessAbsent(`removing the container ${name}`, ["rm", "--force", name], { timeoutMs: SLOW_TIMEOUT_MS });
  }

  async function start(call: StartCall): Promise<StartOutcome> {
    const { name, image } = call.spec;
    const known = { ...call, spec: { ...call.spec, image: runnableName(kind, image) } };
    for (const propagation of PROPAGATIONS) {
      const ended = await outcome(engineRunArguments(kind, known, propagation), { timeoutMs: SLOW_TIMEOUT_MS });
      if (ended.kind === "ok") return { kind: "started" };
      const stderr = ended.kind === "failed" ? ended.stderr : "";
      if (saysNameTaken(stderr)) return nameTaken(name, lastWords(stderr));
      // A host whose / is not shared, which systemd makes it.
      const goesOtherwise = saysNotShared(stderr) && propagation !== "rprivate";
      if (!goesOtherwise) {
        return afterFailedStart({ inspect, remove }, call, failureOf(`starting the container ${name}`, image, ended));
      }
      await remove(name);
    }
    return nameTaken(name, "it is being made by another call");
  }

  async function storedImage(image: PinnedImage): Promise<StoredImageState> {
    const name = storedName(kind, image);
    const printed = await unlessAbsent(`looking for the image ${name}`, ["image", "inspect", name]);
    if (printed === undefined) return "absent";
    return repoDigests(printed.toString("utf8")).includes(image.digest) ? "complete" : "other";
  }

  async function load(call: LoadCall): Promise<void> {
    const { steps, environment } = await preparePull(kind, call);
    for (const args of steps) {
      const ended = await outcome(args, { environment, timeoutMs: PULL_TIMEOUT_MS, signal: call.signal });
      if (ended.kind !== "ok") throw toolFailure(`loading ${call.description.image.name}`, ended);
    }
  }

  /** A container of the image is made and never started. */
  async function readFiles(call: ReadFilesCall, folder: { readonly path: string }): Promise<ImageFiles> {
    const name = holderName(folder.path);
    const what = `looking into ${call.image}`;
    await remove(name);
    const created = await outcome(
      ["create", "--pull", "never", "--name", name, runnableName(kind, call.image), "/never-run"],
      {
        timeoutMs: SLOW_TIMEOUT_MS,
      },
    );
    if (created.kind !== "ok") throw failureOf(what, call.image, created);
    const look = async (): Promise<ImageFiles> => {
      const files = new Map<string, ImageFile>();
      for (const path of call.paths) files.set(path, await copyOut(name, path, call.maxBytes));
      return files;
    };
    return withCleanUp(look, () => remove(name));
  }

  async function copyOut(name: string, path: string, maxBytes: number): Promise<ImageFile> {
    const ended = await outcome(["cp", `${name}:${path}`, "-"], { maxOutputBytes: maxBytes + ARCHIVE_BYTES });
    if (ended.kind === "ok") return copiedFile(ended.stdout, path, maxBytes);
    if (ended.kind === "failed" && saysNoSuchPath(ended.stderr)) return { kind: "absent" };
    throw toolFailure(`reading ${path} of the image`, ended);
  }

  return {
    inspect,
    start,
    remove,
    storedImage,
    load,
    readFiles,
    mark: (image) => markImage(kind, outcome, image),
    ownImages: (signal) => ownImages(outcome, signal),
    removeImage: (call) => removeImage(kind, outcome, call),
    cleanUp: ({ readFolder }) => remove(holderName(readFolder.path)),
    nameOf: (image) => storedName(kind, image),
    async signal(name, signal) {
      const ended = await outcome(["kill", "--signal", signal, name]);
      const over = ended.kind === "failed" && (saysNotRunning(ended.stderr) || saysNoSuchThing(ended.stderr));
      if (ended.kind !== "ok" && !over) throw toolFailure(`ending the container ${name}`, ended);
    },
    async exitCode(name) {
      const found = await inspected(name);
      return found?.status === "ended" ? found.exitCode : undefined;
    },
    letGo: () => Promise.resolve(),
    // Their command lines do not tell which layers they have.
    storageNeed({ layers }) {
      const bytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      return Promise.resolve({ transferBytes: bytes, unpackBytes: bytes });
    },
    async storageFolder() {
      const template = kind === "podman" ? "{{.Store.GraphRoot}}" : "{{.DockerRootDir}}";
      const ended = await outcome(["info", "--format", template]);
      const told = ended.kind === "ok" ? ended.stdout.toString("utf8").trim() : "";
      return told.startsWith("/") ? told : DEFAULT_STORAGE[kind];
    },
    followOutput: (name, _folder, lines) => outside.followLogs(program, [...prefix, "logs", "--follow", name], lines),
  };
}

/** Of a container that was to be made of the image. */
function failureOf(what: string, image: string, failure: ToolFailure): ContainerError {
  const isMissing = failure.kind === "failed" && saysNoSuchImage(failure.stderr);
  return isMissing ? imageMissing(image) : toolFailure(what, failure);
}

/** Of the container that is made to read files of an image: the next reader finds what a killed one left. */
function holderName(folder: string): string {
  return `ros-agent-${folder.slice(folder.lastIndexOf("/") + 1)}`;
}

function placeArguments(kind: EngineKind, runtime: ContainerRuntime): readonly string[] {
  const { socket, namespace, snapshotter } = runtime;
  if (kind === "podman") return [];
  if (kind === "docker") return socket === undefined ? [] : ["--host", `unix://${socket}`];
  return [
    ...(socket === undefined ? [] : ["--address", socket]),
    ...(namespace === undefined ? [] : ["--namespace", namespace]),
    ...(snapshotter === undefined ? [] : ["--snapshotter", snapshotter]),
  ];
}
