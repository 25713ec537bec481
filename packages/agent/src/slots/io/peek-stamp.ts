/** Reads what a slot says of itself without mounting it. */
import { SlotError } from "../errors.ts";
import { readSlotStamp, STAMP_FILE, STAMP_MAX_BYTES, type SlotStamp } from "../slot-stamp.ts";
import { peekFile } from "./peek-file.ts";

/**
 * @param device  as of `peekFile`
 * @returns "none" where the slot holds no system that was written to its end; undefined where it cannot be told
 */
export async function peekStamp(device: string, signal: AbortSignal): Promise<SlotStamp | "none" | undefined> {
  try {
    const bytes = await peekFile(device, `/${STAMP_FILE}`, STAMP_MAX_BYTES, signal);
    return bytes === "none" ? "none" : readSlotStamp(bytes.toString("utf8"));
  } catch (error) {
    if (error instanceof SlotError) return undefined;
    throw error;
  }
}
