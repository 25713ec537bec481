/** An image at its registry as a source of an operating system. */
import type { OpenImage, PinnedImage } from "../images/index.ts";
import type { SystemSource } from "./system-source.ts";

export function imageSource(image: PinnedImage, { description, blob }: OpenImage): SystemSource {
  const { layers } = description;
  return {
    digest: image.digest,
    reference: image.name,
    layers: layers.map(({ digest, sizeBytes }, index) => ({
      name: `layer ${index + 1} of ${layers.length}`,
      sizeBytes,
      open: () => blob(digest, sizeBytes),
    })),
  };
}
