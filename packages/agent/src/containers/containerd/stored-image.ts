/** What containerd's store has of an image. */
import {
  choosePlatform,
  parseImageConfig,
  parseManifest,
  type ImageConfig,
  type Platform,
} from "../../images/index.ts";
import { ContainerError } from "../errors.ts";
import { imageMissing } from "../image-missing.ts";
import { storedImages } from "./ctr-answers.ts";
import type { Ctr } from "./ctr.ts";

/** A manifest or a configuration is far smaller. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;

/** @returns the digest that the name leads to, undefined where there is no such image */
export async function storedDigest(ctr: Ctr, name: string, signal?: AbortSignal): Promise<string | undefined> {
  const printed = await ctr.text(["images", "ls", `name==${name}`], { what: "listing images", signal });
  return storedImages(printed).find((image) => image.name === name)?.digest;
}

/**
 * The configuration of a stored image, for the node's platform.
 * @throws ContainerError CONTAINER_IMAGE_MISSING; ImagePullError IMAGE_BROKEN, IMAGE_WRONG_PLATFORM
 */
export async function storedConfig(ctr: Ctr, name: string, platform: Platform): Promise<ImageConfig> {
  const digest = await storedDigest(ctr, name);
  if (digest === undefined) throw imageMissing(name);
  const blob = async (wanted: string): Promise<Buffer> => {
    const options = { what: `reading ${wanted} from the store`, maxOutputBytes: MAX_JSON_BYTES };
    return Buffer.from(await ctr.text(["content", "get", wanted], options));
  };
  const top = parseManifest(await blob(digest));
  const manifest = top.kind === "manifest" ? top : parseManifest(await blob(choosePlatform(top, platform).digest));
  if (manifest.kind === "index") throw new ContainerError("CONTAINER_NONSENSE", `${name} is an index of indexes`);
  return parseImageConfig(await blob(manifest.config.digest));
}
