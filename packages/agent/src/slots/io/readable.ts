/** Tells what is not there from what is there and cannot be read, as of a disk that fails. */
import { isAbsent, systemCode } from "@rancheros/protocol/errors";
import { SlotError } from "../errors.ts";

/** @returns undefined where nothing is there. @throws SlotError SLOT_UNREADABLE */
export function readable<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    return nothingOr(path, cause);
  }
}

/** Of a failure to read: undefined where it says that nothing is there. @throws SlotError SLOT_UNREADABLE */
export function nothingOr(path: string, cause: unknown): undefined {
  if (isAbsent(cause)) return undefined;
  const code = systemCode(cause);
  throw new SlotError("SLOT_UNREADABLE", `${path} cannot be read${code === "" ? "" : ` (${code})`}`, { cause });
}
