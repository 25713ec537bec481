/** Whether a disk holds an installation that came to its end: what of it is looked at, and what that says. */
import {
  otherSlotName,
  PARTITIONS,
  readGrubEnvironment,
  readSlotWords,
  SlotError,
  type SlotName,
} from "../slots/index.ts";
import { BOOT_LOADER_KINDS, type AfterInstall, type InstallRecord } from "./install-record.ts";
import { isMap } from "./settings-fields.ts";

export type Installation =
  | { readonly kind: "none" }
  | {
      readonly kind: "whole";
      /** The image in its good slot, for people. */
      readonly reference: string;
      /** In which start of a live system it was made; undefined: by an agent that did not say. */
      readonly bootId: string | undefined;
      readonly after: AfterInstall;
      /** As in its record. */
      readonly reinstall: string | undefined;
    }
  | { readonly kind: "unclear"; readonly why: string };

/** Where the partitions of an installation begin, in bytes. */
export type InstallationParts = Readonly<Record<"oem" | SlotName, number>> & { readonly esp: number | undefined };

const REFERENCE_CHARACTERS = 200;

/**
 * By name, wherever they lie: another version may have divided the disk in another way.
 * @param json  of `sfdisk --json`
 * @returns undefined where one is missing without which no installation is whole
 */
export function installationParts(json: string): InstallationParts | undefined {
  const table = tableOf(json);
  const sectorBytes = Number(table["sectorsize"] ?? 512);
  const rows: readonly unknown[] = Array.isArray(table["partitions"]) ? table["partitions"] : [];
  const startOf = (name: string): number | undefined => {
    const row = rows.find((one) => isMap(one) && one["name"] === name);
    const startBytes = isMap(row) ? Number(row["start"]) * sectorBytes : 0;
    return startBytes > 0 ? startBytes : undefined;
  };
  const [oem, a, b, state] = [PARTITIONS.oem, PARTITIONS.a, PARTITIONS.b, PARTITIONS.state].map(startOf);
  if (oem === undefined || a === undefined || b === undefined || state === undefined) return undefined;
  return { oem, a, b, esp: startOf(PARTITIONS.esp) };
}

function tableOf(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return {};
  }
  return isMap(value) && isMap(value["partitiontable"]) ? value["partitiontable"] : {};
}

/**
 * In the order in which GRUB tries them: the good one, and the other where there is nothing in it. Without words a is the good one.
 * @param block  GRUB's environment block
 */
export function startingSlots(block: Uint8Array): readonly [SlotName, SlotName] {
  const good = goodSlot(block);
  return [good, otherSlotName(good)];
}

function goodSlot(block: Uint8Array): SlotName {
  try {
    return readSlotWords(readGrubEnvironment(block)).good;
  } catch (error) {
    if (error instanceof SlotError) return "a";
    throw error;
  }
}

export interface LoadersFound {
  readonly bios: boolean;
  readonly efi: "there" | "missing" | "unreadable";
}

/**
 * Boot loaders are taken away before all else and written after it: where the last of them is there, the installation came to
 * its end, whatever has been damaged since.
 * @param record        undefined: of an agent that left none, or one that is not understood; then one boot loader is enough
 * @param isConfigured  ROS_OEM has files, which are written after ROS_ESP was made: if that cannot be read it is damaged
 * @returns what is known without a look into the slots; undefined where it came to its end
 */
export function judgeLoaders(
  record: InstallRecord | undefined,
  isConfigured: boolean,
  { bios, efi }: LoadersFound,
): Exclude<Installation, { readonly kind: "whole" }> | undefined {
  const isThere = { bios, efi: efi === "there" } as const;
  const wanted = record?.loaders ?? BOOT_LOADER_KINDS;
  if (efi === "unreadable" && isConfigured && wanted.includes("efi") && !(record === undefined && bios)) {
    return { kind: "unclear", why: "its partition ROS_ESP cannot be read" };
  }
  if (record === undefined) return bios || isThere.efi ? undefined : { kind: "none" };
  const last = BOOT_LOADER_KINDS.findLast((kind) => record.loaders.includes(kind));
  if (last === undefined || !isThere[last]) return { kind: "none" };
  const missing = record.loaders.find((kind) => !isThere[kind]);
  return missing && { kind: "unclear", why: `its boot loader for ${missing} is missing` };
}

/** Whoever reads it may sit at a console, and what was written is anybody's. */
export function shownReference(reference: string): string {
  return reference.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, REFERENCE_CHARACTERS);
}
