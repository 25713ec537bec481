/** Small files of the agent's folder: all of it or nothing, on the disk, for root only. */
import { systemCode } from "@rancheros/protocol/errors";
import { open } from "node:fs/promises";

import { replaceFile } from "../../files/index.ts";
import { SlotError } from "../errors.ts";
import { nothingOr } from "./readable.ts";

/** @throws SlotError SLOT_NO_ROOM, SLOT_WRITE_FAILED */
export async function writeStateFile(path: string, text: string): Promise<void> {
  await replaceFile(path, text).catch(refusedAt(path));
}

/** For `.catch`: what a refusal to write such a file means. */
export function refusedAt(path: string): (cause: unknown) => never {
  return (cause) => {
    throw stateFailure(path, cause);
  };
}

function stateFailure(path: string, cause: unknown): SlotError {
  const code = systemCode(cause);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SlotError("SLOT_NO_ROOM", `there is no room for ${path}`, { cause, details: { path } });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SlotError("SLOT_WRITE_FAILED", `${path} cannot be written: ${why}`, { cause });
}

/**
 * @returns undefined where there is none, or it is larger than that
 * @throws SlotError SLOT_UNREADABLE
 */
export async function readStateFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path, "r").catch((cause: unknown) => nothingOr(path, cause));
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    return bytesRead > maxBytes ? undefined : buffer.toString("utf8", 0, bytesRead);
  } catch (cause) {
    return nothingOr(path, cause);
  } finally {
    await file.close();
  }
}
