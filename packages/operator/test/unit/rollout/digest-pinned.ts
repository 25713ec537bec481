/** An image as it is when its digest is known. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import { planOf } from "../../../src/rollout/resolved.ts";
import type { RolloutIndex } from "../../../src/rollout/rollout-index.ts";

/** @param index  knows the version that the image names */
export function digestPinned(source: ManagedOSImage, index: RolloutIndex): ManagedOSImage {
  index.putImage(source);
  const { namespace, name, resourceVersion } = source.metadata;
  const object = index.image(`${namespace}/${name}`)?.image.object;
  if (object?.spec.osImage === undefined) throw new Error("the image is not known");
  const digest = `sha256:${"a".repeat(64)}`;
  const repository = object.spec.osImage.replace(/:[^:/]+$/, "");
  const images = {
    resolvedImage: object.spec.osImage,
    digest,
    reference: `${repository}@${digest}`,
    containerImages: [],
  };
  return {
    ...source,
    metadata: { ...source.metadata, resourceVersion: String(Number(resourceVersion) + 1) },
    status: { ...source.status, ...images, containerImages: [], plan: planOf(object, images) },
  };
}
