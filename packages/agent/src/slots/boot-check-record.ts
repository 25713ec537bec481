/** What the boot check has found, for the start after it. */
import { jsonFields } from "./json-fields.ts";
import { isSlotName, type SlotName } from "./slot.ts";

export interface BootCheckRecord {
  readonly version: 1;
  readonly slot: SlotName;
  /** Of the image in the slot; undefined where nobody knows. */
  readonly digest: string | undefined;
  readonly bootId: string;
  readonly at: string;
  readonly outcome: "good" | "failed";
  /** One sentence each; none where it is good. */
  readonly failures: readonly string[];
}

export const BOOT_CHECK_FILE = "boot-check.json";
export const BOOT_CHECK_MAX_BYTES = 64 * 1024;
const FAILURES_MAX = 20;
const FAILURE_MAX_CHARACTERS = 600;

export function writeBootCheckRecord(record: BootCheckRecord): string {
  const failures = record.failures
    .slice(0, FAILURES_MAX)
    .map((one) => one.slice(0, FAILURE_MAX_CHARACTERS).toWellFormed());
  return `${JSON.stringify({ ...record, failures }, undefined, 2)}\n`;
}

/** @returns undefined where it is none that this program understands */
export function readBootCheckRecord(text: string): BootCheckRecord | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const { version, slot, digest, bootId, at, outcome, failures } = fields;
  if (version !== 1 || !isSlotName(slot) || typeof bootId !== "string" || typeof at !== "string") return undefined;
  if (outcome !== "good" && outcome !== "failed") return undefined;
  if (!Array.isArray(failures) || !failures.every((one) => typeof one === "string")) return undefined;
  if (digest !== undefined && typeof digest !== "string") return undefined;
  return { version, slot, digest, bootId, at, outcome, failures };
}
