/** Whether a disk holds an installation that came to its end: what of it is looked at, and what that says. */
import {
  otherSlotName,
  PARTITIONS,
  readGrubEnvironment,
  readSlotWords,
  SlotError,
  type SlotName,
} from "../slots/index.ts";
import type { AfterInstall, BootLoaderKind, InstallRecord } from "./install-record.ts";
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
 * The good one. Without words GRUB starts a, and b where there is nothing in a.
 * @param block  GRUB's environment block
 */
export function startingSlots(block: Uint8Array): readonly SlotName[] {
  try {
    return [readSlotWords(readGrubEnvironment(block)).good];
  } catch (error) {
    if (error instanceof SlotError) return ["a", otherSlotName("a")];
    throw error;
  }
}

/**
 * The boot loader is written last, in one way or in two.
 * @param record  undefined: of an agent that left none, or one that is not understood; then one way is enough
 */
export function isStartable(record: InstallRecord | undefined, there: ReadonlySet<BootLoaderKind>): boolean {
  return record === undefined ? there.size > 0 : record.loaders.every((loader) => there.has(loader));
}

/** Whoever reads it may sit at a console, and what was written is anybody's. */
export function shownReference(reference: string): string {
  return reference.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, REFERENCE_CHARACTERS);
}
