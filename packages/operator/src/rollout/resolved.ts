/** What the tags of an image stand for, as its status has it; and the plan that comes of it. */
import type { Container, ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { nestingProblems } from "../versions/index.ts";
import { planId } from "./plan-id.ts";

type ContainerImage = NonNullable<ManagedOSImageStatus["containerImages"]>[number];

/** An image that the spec names, to be asked for. */
export interface NamedImage {
  /** osImage, or the name of a container. */
  readonly name: string;
  readonly image: string;
}

export interface ResolvedImages {
  readonly resolvedImage: string;
  readonly digest: string;
  /** repository@digest */
  readonly reference: string;
  readonly containerImages: readonly ContainerImage[];
}

/** All images of the spec; an upgradeContainer without one of its own runs osImage. */
export function namedImages({ spec }: ManagedOSImage): readonly NamedImage[] {
  const { osImage, prepare, upgradeContainer } = spec;
  const images: NamedImage[] = [];
  if (osImage) images.push({ name: "osImage", image: osImage });
  if (prepare?.image) images.push({ name: "prepare", image: prepare.image });
  if (upgradeContainer?.image) images.push({ name: "upgradeContainer", image: upgradeContainer.image });
  return images;
}

/** What the status has of them, where it is about the images that the spec names now. */
export function resolvedImages(object: ManagedOSImage): ResolvedImages | undefined {
  const { resolvedImage, reference, containerImages = [] } = object.status ?? {};
  if (resolvedImage === undefined || reference === undefined) return undefined;
  // Not the status's own, which is for people: the plan holds the reference to what was found out.
  const digest = /@(sha\d+:[0-9a-f]+)$/.exec(reference)?.[1];
  if (digest === undefined) return undefined;
  const named = namedImages(object);
  const isKnown = named.every(({ name, image }) =>
    name === "osImage"
      ? image === resolvedImage
      : containerImages.some((one) => one.name === name && one.image === image),
  );
  const isAll = named.length === 1 + containerImages.length;
  return isKnown && isAll ? { resolvedImage, digest, reference, containerImages } : undefined;
}

/** The status with the digest of the image that the spec names now; what else is known of the one before is kept. */
export function withShownDigest(object: ManagedOSImage, status: ManagedOSImageStatus): ManagedOSImageStatus {
  const { digest: _before, ...others } = status;
  const shown = resolvedImages(object)?.digest;
  return shown === undefined ? others : { ...others, digest: shown };
}

function pinned(container: Container | null | undefined, name: string, images: ResolvedImages): Container | undefined {
  if (container === null || container === undefined) return undefined;
  const reference = images.containerImages.find((one) => one.name === name)?.reference ?? images.reference;
  return { ...container, image: reference };
}

/** The spec's containers, their images by digest. */
export function pinnedContainers(
  { spec }: ManagedOSImage,
  images: ResolvedImages,
): { readonly prepare: Container | undefined; readonly upgradeContainer: Container | undefined } {
  return {
    prepare: pinned(spec.prepare, "prepare", images),
    upgradeContainer: pinned(spec.upgradeContainer, "upgradeContainer", images),
  };
}

/** Name of what the spec says now, with these images. */
export function planOf(object: ManagedOSImage, images: ResolvedImages): string {
  const { reference } = images;
  return planId({ reference, cloudConfig: object.spec.cloudConfig, ...pinnedContainers(object, images) });
}

/** The plan that machines are to carry out; undefined while the spec is another one than what was resolved. */
export function currentPlan(object: ManagedOSImage): string | undefined {
  const images = resolvedImages(object);
  const plan = object.status?.plan;
  if (nestingProblems(object.spec, "spec").length > 0) return undefined;
  return images !== undefined && plan !== undefined && planOf(object, images) === plan ? plan : undefined;
}
