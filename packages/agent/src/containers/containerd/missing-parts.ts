/** What containerd has not yet of an image: bytes to be transferred, and layers to be unpacked. */
import type { ImageDescription } from "../../images/index.ts";
import type { ContainerRuntime } from "../runtime.ts";
import type { StorageNeed } from "../storage-space.ts";
import { chainId } from "./chain-id.ts";
import { committedSnapshots, ingestedBytes } from "./ctr-answers.ts";
import type { Ctr } from "./ctr.ts";
import { layerIngest } from "./image-hold.ts";
import { snapshotterOf } from "./snapshotter.ts";

/** Layers that other images share are there, and a layer that is half there is resumed. @throws ContainerError */
export async function missingParts(
  runtime: ContainerRuntime,
  ctr: Ctr,
  { layers, diffIds }: ImageDescription,
): Promise<StorageNeed> {
  const content = await ctr.text(["content", "ls", "--quiet"], { what: "listing the store's content" });
  const whole = new Set(content.split("\n").map((line) => line.trim()));
  const half = ingestedBytes(await ctr.text(["content", "active"], { what: "listing half-loaded layers" }));
  const snapshots = await ctr.text(["snapshots", ...snapshotterOf(runtime), "ls"], { what: "listing snapshots" });
  const there = committedSnapshots(snapshots);
  const missing = new Map(layers.filter(({ digest }) => !whole.has(digest)).map((layer) => [layer.digest, layer]));
  const packed = layers.slice(unpackedLayers(diffIds, there));
  return {
    transferBytes: sum([...missing.values()].map((layer) => restOf(layer, half.get(layerIngest(layer)) ?? 0))),
    unpackBytes: sum(packed.map(({ sizeBytes }) => sizeBytes)),
  };
}

/** Each lies upon all below it. @returns how many are unpacked */
function unpackedLayers(diffIds: readonly string[], snapshots: ReadonlySet<string>): number {
  let chain: string | undefined;
  for (const [at, diffId] of diffIds.entries()) {
    chain = chain === undefined ? diffId : chainId([chain, diffId]);
    if (!snapshots.has(chain)) return at;
  }
  return diffIds.length;
}

/** What has become longer than the layer is loaded anew. */
function restOf({ sizeBytes }: ImageDescription["layers"][number], thereBytes: number): number {
  return thereBytes > sizeBytes ? sizeBytes : sizeBytes - thereBytes;
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, one) => total + one, 0);
}
