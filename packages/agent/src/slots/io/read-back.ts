/** Reads a slot back from its disk and holds it against what was written. */
import { createHash } from "node:crypto";
import { lstatSync, openSync, readSync, closeSync, readlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

import { SlotError } from "../errors.ts";
import { CONTENT_HASH, CONTENT_HASH_BYTES, type TreeRecord, type TreeRecords } from "../tree-record.ts";

export interface ReadBackOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (doneFiles: number) => void;
}

const PIECE_BYTES = 1024 * 1024;
const TOLD_AFTER_FILES = 256;
/** Less than two seconds of the slowest disk that is worth the name. */
const BREATH_BYTES = 16 * 1024 * 1024;

/**
 * @param root  where the slot is mounted anew, so that nothing of it comes from memory
 * @throws SlotError SLOT_READ_BACK_DIFFERS, SLOT_INTERRUPTED
 */
export async function readBack(
  root: string,
  records: TreeRecords,
  { signal, onProgress }: ReadBackOptions,
): Promise<void> {
  const piece = Buffer.alloc(PIECE_BYTES);
  let done = 0;
  let sinceBytes = 0;
  /** Other work of this process goes on meanwhile: signs of life, and whoever breaks this off. */
  const breathe = async (): Promise<void> => {
    if (signal.aborted) throw new SlotError("SLOT_INTERRUPTED", "reading back was broken off");
    sinceBytes = 0;
    await setImmediate();
  };
  const onBytes = (bytes: number): Promise<void> | undefined => {
    sinceBytes += bytes;
    return sinceBytes < BREATH_BYTES ? undefined : breathe();
  };
  for (const [path, record] of records) {
    if (done++ % TOLD_AFTER_FILES === 0) {
      onProgress(done);
      await breathe();
    }
    let problem: string | undefined;
    try {
      problem = await differenceOf(`${root}/${path}`, record, { piece, onBytes });
    } catch (cause) {
      if (cause instanceof SlotError) throw cause;
      throw new SlotError("SLOT_READ_BACK_DIFFERS", `/${path} cannot be read back`, { cause });
    }
    if (problem !== undefined) throw new SlotError("SLOT_READ_BACK_DIFFERS", `/${path} ${problem}`);
  }
}

interface Reading {
  readonly piece: Buffer;
  /** Of content, after each piece. */
  readonly onBytes: (bytes: number) => Promise<void> | undefined;
}

async function differenceOf(full: string, record: TreeRecord, reading: Reading): Promise<string | undefined> {
  const found = lstatSync(full);
  if (record.kind === "special") return undefined;
  if (record.kind === "symlink") return readlinkSync(full) === record.link ? undefined : "leads elsewhere";
  const isKind = record.kind === "file" ? found.isFile() : found.isDirectory();
  if (!isKind) return "is something else";
  if ((found.mode & 0o7777) !== record.mode) return "has other permissions";
  if (found.uid !== record.uid || found.gid !== record.gid) return "belongs to somebody else";
  if (record.kind === "folder") return undefined;
  if (found.size !== record.sizeBytes) return "has another size";
  return (await hashOf(full, reading)) === record.hash ? undefined : "has another content";
}

async function hashOf(full: string, { piece, onBytes }: Reading): Promise<string> {
  const hash = createHash(CONTENT_HASH);
  const file = openSync(full, "r");
  try {
    for (let bytes = 1; bytes > 0;) {
      bytes = readSync(file, piece, 0, piece.length, null);
      hash.update(piece.subarray(0, bytes));
      await onBytes(bytes);
    }
  } finally {
    closeSync(file);
  }
  return hash.digest("hex").slice(0, 2 * CONTENT_HASH_BYTES);
}
