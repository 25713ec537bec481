/** Rancher's word on where images are that name no registry. */
import { ImageReferenceError, namesHost, parseImageReference } from "@rancheros/protocol/images";
import type { RancherSettings } from "./server-address.ts";

/** So much of a text is shown that is no registry. */
const SHOWN_MAX = 100;

/** Whether names of images can be put behind it, and are in that registry then. */
function isRegistry(text: string): boolean {
  const image = `${text}/x`;
  try {
    parseImageReference(image);
  } catch (error) {
    if (error instanceof ImageReferenceError) return false;
    throw error;
  }
  return namesHost(image);
}

/**
 * The registry of images that name none themselves, such as registry.example.com:5000 or registry.example.com/mirror;
 * undefined where they are docker.io's. What is no registry is a sentence that says so.
 */
export function defaultRegistry(settings: RancherSettings): string | undefined | { readonly problem: string } {
  const text = settings["system-default-registry"]?.trim().replace(/\/+$/, "") ?? "";
  if (text === "") return undefined;
  if (isRegistry(text)) return text;
  const said = `Rancher's setting system-default-registry: ${JSON.stringify(text.slice(0, SHOWN_MAX).toWellFormed())}`;
  return { problem: `${said} is no registry, such as registry.example.com:5000 or registry.example.com/mirror` };
}
