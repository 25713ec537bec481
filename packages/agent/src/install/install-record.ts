/** What an installation leaves beside GRUB's words, and a reset keeps: in which start of which live system it was made, and what starts it. */

import { jsonFields } from "../slots/index.ts";

/** What follows an installation. */
export type AfterInstall = "reboot" | "poweroff" | undefined;

/** In the order in which they are written. */
export const BOOT_LOADER_KINDS = ["efi", "bios"] as const;

export type BootLoaderKind = (typeof BOOT_LOADER_KINDS)[number];

export interface InstallRecord {
  readonly version: 1;
  /** Of the live system's start, /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  readonly after: AfterInstall;
  /** The name under which the settings had it installed anew; undefined: none. */
  readonly reinstall: string | undefined;
  /** All that are written after this file. */
  readonly loaders: readonly BootLoaderKind[];
}

/** Below ROS_OEM. */
export const RECORD_FILE = "grub/installation.json";
export const RECORD_MAX_BYTES = 4096;
const STAYS = "stays";

export function writeInstallRecord({ after, ...record }: InstallRecord): string {
  return `${JSON.stringify({ ...record, after: after ?? STAYS })}\n`;
}

/** @returns undefined where it is none that this program understands */
export function readInstallRecord(text: string): InstallRecord | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const { version, bootId, after, reinstall, loaders } = fields;
  if (version !== 1 || typeof bootId !== "string" || !isAfter(after) || !Array.isArray(loaders)) return undefined;
  if (reinstall !== undefined && typeof reinstall !== "string") return undefined;
  const kinds = loaders.filter(isLoader);
  if (kinds.length === 0 || kinds.length !== loaders.length) return undefined;
  return { version, bootId, after: after === STAYS ? undefined : after, reinstall, loaders: kinds };
}

function isAfter(value: unknown): value is "reboot" | "poweroff" | typeof STAYS {
  return value === "reboot" || value === "poweroff" || value === STAYS;
}

function isLoader(value: unknown): value is BootLoaderKind {
  return value === "efi" || value === "bios";
}
