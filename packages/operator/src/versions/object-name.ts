/** Names of objects that channels ask for. */
import { createHash } from "node:crypto";

const NAME_MAX = 253;
const LABEL_MAX = 63;
const HASH_CHARACTERS = 8;
/** DNS-1123 subdomain: what Kubernetes takes for the name of a custom resource. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, HASH_CHARACTERS);
}

function shortened(text: string, wanted: string, limit: number): string {
  const kept = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .slice(0, limit - HASH_CHARACTERS - 1)
    .replaceAll(/[-.]*[.][-.]*/g, ".")
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return kept === "" ? `v-${hashOf(wanted)}` : `${kept}-${hashOf(wanted)}`;
}

/**
 * @returns the name itself where an object can have it; otherwise one that reads alike and ends in a hash of it, always
 *          the same for the same name, and another one for another name
 */
export function objectName(wanted: string): string {
  if (wanted.length <= NAME_MAX && NAME.test(wanted)) return wanted;
  return shortened(wanted, wanted, NAME_MAX);
}

/** As the value of a label, or the name of a pod. */
export function labelValue(name: string): string {
  if (name.length <= LABEL_MAX && NAME.test(name)) return name;
  return shortened(name.replaceAll(".", "-"), name, LABEL_MAX);
}
