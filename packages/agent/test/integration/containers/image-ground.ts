/** A containerd and a registry, and images that go from the one into the other. */
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { pullImage, type ContainerRuntime, type PullOptions } from "@rancheros/agent/containers";
import { NO_REGISTRIES } from "@rancheros/agent/images";
import { startContainerd, type ContainerdOptions, type TestContainerd } from "../../../../../test/containerd/index.ts";
import {
  pushImage,
  startRegistry,
  type Image,
  type ImageIndex,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";

export interface ImageGround {
  readonly folder: string;
  readonly containerd: TestContainerd;
  readonly registry: TestRegistry;
  readonly runtime: ContainerRuntime;
  readonly containers: { readonly runFolder: string };
  /** @returns by digest, as `pull` takes it */
  readonly push: (repository: string, image: Image | ImageIndex) => Promise<string>;
  readonly pull: (image: string, options?: Partial<PullOptions>) => ReturnType<typeof pullImage>;
  readonly stop: () => Promise<void>;
}

/** @returns by digest, as `pull` takes it */
export async function push(to: TestRegistry, image: Image | ImageIndex, repository = "os/base"): Promise<string> {
  return `${to.host}/${repository}@${await pushImage(to, repository, "v1", image)}`;
}

/** Without accounts, mirrors and policies, and soon given up, unless the options say otherwise. */
export function pullThrough(
  runtime: ContainerRuntime,
  containers: ImageGround["containers"],
  image: string,
  options: Partial<PullOptions> = {},
): ReturnType<typeof pullImage> {
  return pullImage(runtime, containers, {
    image,
    registries: NO_REGISTRIES,
    policies: [],
    patienceMs: 20_000,
    signal: new AbortController().signal,
    ...options,
  });
}

/** @param name  of a few letters: sockets lie below a folder of that name */
export async function startImageGround(
  name: string,
  options: Pick<ContainerdOptions, "beforeRunc"> = {},
): Promise<ImageGround> {
  const folder = mkdtempSync(`/tmp/ros-${name}-`);
  const containerd = await startContainerd({ folder: path.join(folder, "c"), ...options });
  const registry = await startRegistry({ folder: path.join(folder, "r") });
  const { ctrProgram, socket, namespace } = containerd;
  const program = [ctrProgram] as const;
  const runtime = { kind: "containerd", origin: "set", program, socket, namespace, snapshotter: undefined } as const;
  const containers = { runFolder: path.join(folder, "run") };
  return {
    folder,
    containerd,
    registry,
    runtime,
    containers,
    push: (repository, image) => push(registry, image, repository),
    pull: (image, more) => pullThrough(runtime, containers, image, more),
    async stop() {
      await registry.stop();
      await containerd.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
