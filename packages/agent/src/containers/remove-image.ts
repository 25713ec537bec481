/** Takes away an image that this program has brought onto the node. */
import { parsePinnedImage, type PinnedImage } from "../images/index.ts";
import type { ImageRemoval, RuntimeDriver } from "./driver.ts";
import type { RunFolder } from "./io/run-folder.ts";

export interface RemoveImageOptions {
  /** As `pullImage` took it. */
  readonly image: string;
  /** It was not there before this program began to pull it, so that it is its own also where the mark is missing. */
  readonly isClaimed?: boolean;
  readonly signal: AbortSignal;
}

export interface RemoveImageOutside {
  readonly driver: RuntimeDriver;
  /** Of whoever pulled it and read its files, and may have been killed. */
  readonly pullFolder: RunFolder;
  readonly readFolder: RunFolder;
}

/**
 * Never one that others have brought, and never one that somebody's container is made of.
 * @throws ImageReferenceError; ContainerError for what the runtime does
 */
export async function removeImageThrough(
  { driver, pullFolder, readFolder }: RemoveImageOutside,
  { image, isClaimed = false, signal }: RemoveImageOptions,
): Promise<ImageRemoval> {
  const pinned = parsePinnedImage(image);
  await driver.cleanUp({ pullFolder, readFolder, signal });
  await Promise.all([pullFolder.remove(), readFolder.remove()]);
  return driver.removeImage({ image: pinned, isClaimed, signal });
}

/** The names under which `pullImage` took what carries this program's mark. @throws ContainerError */
export async function ownImagesThrough(driver: RuntimeDriver, signal: AbortSignal): Promise<readonly string[]> {
  const images: readonly PinnedImage[] = await driver.ownImages(signal);
  return images.map(({ name }) => name);
}
