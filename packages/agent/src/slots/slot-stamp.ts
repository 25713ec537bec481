/** What a slot says of itself, written last: only a slot that was written to its end and read back has it. */
import { jsonFields } from "./json-fields.ts";
import type { SystemSource } from "./system-source.ts";

export interface SlotStamp {
  readonly version: 1;
  readonly reference: string;
  /** sha256:...; undefined for a copy of a live system. */
  readonly digest: string | undefined;
  /** By the wall clock, for people only. */
  readonly writtenAt: string;
  readonly files: number;
}

/** In the root of the slot. */
export const STAMP_FILE = ".rancheros-slot.json";
export const STAMP_MAX_BYTES = 16 * 1024;

export function slotStamp({ reference, digest }: SystemSource, files: number, nowMs: number): SlotStamp {
  return { version: 1, reference, digest, writtenAt: new Date(nowMs).toISOString(), files };
}

/** @returns undefined where it is none that this program understands */
export function readSlotStamp(text: string): SlotStamp | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const { version, reference, digest, writtenAt, files } = fields;
  if (version !== 1 || typeof reference !== "string" || typeof writtenAt !== "string" || typeof files !== "number") {
    return undefined;
  }
  if (digest !== undefined && typeof digest !== "string") return undefined;
  return { version, reference, digest, writtenAt, files };
}
