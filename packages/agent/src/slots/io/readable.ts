/** Tells what is not there from what is there and cannot be read, as of a disk that fails. */
import { SlotError } from "../errors.ts";

/** Nothing is there, or something that is no folder is on the way. */
const NOTHING = new Set(["ENOENT", "ENOTDIR"]);

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
  const code = codeOf(cause);
  if (NOTHING.has(code)) return undefined;
  throw new SlotError("SLOT_UNREADABLE", `${path} cannot be read${code === "" ? "" : ` (${code})`}`, { cause });
}

export function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
