/** What a machine says about its hardware, in dmidecode's shape: never trusted, only bounded and made harmless. */
import { MessageError } from "./errors.ts";
import { isJsonObject } from "./json.ts";
import { SMBIOS_MAX_DEPTH, SMBIOS_MAX_ENTRIES } from "./limits.ts";

export type SmbiosNode = string | readonly SmbiosNode[] | SmbiosTree;

/** From title (`System Information`) to key (`Serial Number`) to text; several handles of a title are an array. */
export interface SmbiosTree {
  readonly [key: string]: SmbiosNode;
}

/**
 * @param value  parsed JSON of the other side
 * @returns a copy whose objects have no prototype, so that a look-up finds only what was sent; a key `__proto__` is
 *          left out, because a later copy of the object could take it for one
 * @throws MessageError MESSAGE_FIELDS if it is no object, MESSAGE_SMBIOS_TOO_DEEP, MESSAGE_SMBIOS_TOO_MANY_ENTRIES,
 *         MESSAGE_SMBIOS_LEAF, MESSAGE_NOT_UTF8 for text with half a surrogate pair
 */
export function parseSmbiosTree(value: unknown): SmbiosTree {
  if (!isJsonObject(value)) {
    throw new MessageError("MESSAGE_FIELDS", "SMBIOS is not an object", { problems: ["(all): is not an object"] });
  }
  return copyObject(value, 1, { entries: 0 });
}

/** How much of the tree was seen so far. */
interface Tally {
  entries: number;
}

function copyNode(value: unknown, depth: number, tally: Tally): SmbiosNode {
  tally.entries += 1;
  if (tally.entries > SMBIOS_MAX_ENTRIES) {
    const allowed = String(SMBIOS_MAX_ENTRIES);
    throw new MessageError("MESSAGE_SMBIOS_TOO_MANY_ENTRIES", `SMBIOS has more than ${allowed} keys and list items`);
  }
  if (typeof value === "string") {
    return wellFormed(value);
  }
  if (depth > SMBIOS_MAX_DEPTH) {
    throw new MessageError("MESSAGE_SMBIOS_TOO_DEEP", `SMBIOS nests deeper than ${String(SMBIOS_MAX_DEPTH)} levels`);
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => copyNode(item, depth + 1, tally));
  }
  if (isJsonObject(value)) {
    return copyObject(value, depth, tally);
  }
  throw new MessageError("MESSAGE_SMBIOS_LEAF", "SMBIOS holds something other than text, lists and objects");
}

function copyObject(value: Readonly<Record<string, unknown>>, depth: number, tally: Tally): SmbiosTree {
  const copy: Record<string, SmbiosNode> = {};
  Object.setPrototypeOf(copy, null);
  for (const [key, child] of Object.entries(value)) {
    const node = copyNode(child, depth + 1, tally);
    if (key !== "__proto__") {
      copy[wellFormed(key)] = node;
    }
  }
  return copy;
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) {
    throw new MessageError("MESSAGE_NOT_UTF8", "SMBIOS holds text that has no UTF-8 form");
  }
  return text;
}
