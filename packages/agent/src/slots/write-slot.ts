/** Writes an operating system into a slot: written, on the disk, read back, and only then called whole. */
import { hasCode } from "@rancheros/protocol/errors";

import { SlotError } from "./errors.ts";
import type { TreeWriter } from "./io/tree-writer.ts";
import type { SystemLayer, SystemSource } from "./system-source.ts";
import { STAMP_FILE } from "./slot-stamp.ts";
import { MOUNT_POINTS, requireSystem, type TreeLook } from "./system-parts.ts";
import type { TreeRecords } from "./tree-record.ts";
import { decompress } from "./tar/decompress.ts";
import { readTar } from "./tar/read-tar.ts";

export type SlotStep = "format" | "unpack" | "sync" | "read-back" | "stamp";

export type SlotProgress =
  | { readonly step: SlotStep }
  /** Of the source, as it comes. */
  | {
      readonly step: "unpack";
      readonly layer: string;
      readonly doneBytes: number;
      readonly sizeBytes: number | undefined;
    }
  | { readonly step: "read-back"; readonly doneFiles: number; readonly files: number };

export interface SlotDisk {
  /** Nothing of what it holds is changed: what a killed run has left mounted goes, and whatever keeps it from being formatted is told. */
  prepare(): Promise<void>;
  /** After `format` has failed with this: it holds what it held when it was prepared, and will go on to. */
  isAsPrepared(failure: unknown): Promise<boolean>;
  /** An empty file system, mounted. */
  format(): Promise<{ readonly writer: TreeWriter; readonly specials: () => Promise<void> }>;
  /** As it is mounted now. */
  readonly look: TreeLook;
  makeFolders(paths: readonly string[]): void;
  sync(): Promise<void>;
  /** From the disk, not from memory. */
  readBack(records: TreeRecords, signal: AbortSignal, onProgress: (doneFiles: number) => void): Promise<void>;
  stamp(source: SystemSource, files: number): Promise<void>;
  close(): Promise<void>;
}

export interface WriteSlotOptions {
  readonly disk: SlotDisk;
  readonly source: SystemSource;
  /** As `process.arch` has it. */
  readonly arch: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SlotProgress) => void;
  /** Ends it as soon as such a file comes. */
  readonly stopAt?: string;
}

/** Of this slot alone, the second while it is being written. */
const STAMPS: ReadonlySet<string> = new Set([STAMP_FILE, `${STAMP_FILE}.tmp`]);
/** A message a second and layer is enough for people. */
const TOLD_BYTES = 4 * 1024 * 1024;

/**
 * @returns "stopped" where the image has the file at which it was to stop; the slot is not whole then
 * @throws SlotError, and what the source throws
 */
export async function writeSlot(options: WriteSlotOptions): Promise<"written" | "stopped"> {
  const { disk } = options;
  let ending: "written" | "stopped";
  try {
    ending = await fill(options);
  } catch (error) {
    // That what failed cannot be unmounted either is not why; the next one looks for mounts that were left.
    await disk.close().catch(() => undefined);
    throw error;
  }
  await disk.close();
  return ending;
}

async function fill(options: WriteSlotOptions): Promise<"written" | "stopped"> {
  const { disk, source, arch, signal, onProgress } = options;
  onProgress({ step: "format" });
  await disk.prepare();
  requireGoing(signal);
  const { writer, specials } = await disk.format();
  let stamps = 0;
  const onStamp = (): void => {
    stamps += 1;
  };
  for (const layer of source.layers) {
    const ending = await unpack(layer, writer, { ...options, onStamp });
    if (ending === "stopped") return "stopped";
    await specials();
  }
  requireAll(source, writer.inodes() + stamps);
  requireSystem(disk.look, arch);
  disk.makeFolders(MOUNT_POINTS);
  writer.end();
  onProgress({ step: "sync" });
  await disk.sync();
  requireGoing(signal);
  onProgress({ step: "read-back" });
  const files = writer.records.size;
  await disk.readBack(writer.records, signal, (doneFiles) => onProgress({ step: "read-back", doneFiles, files }));
  onProgress({ step: "stamp" });
  await disk.stamp(source, files);
  return "written";
}

/** @throws SlotError SLOT_SOURCE_CORRUPT */
function requireAll({ inodes = 0, reference }: SystemSource, found: number): void {
  if (found >= inodes) return;
  throw new SlotError("SLOT_SOURCE_CORRUPT", `${reference} shows ${found} files, and has ${inodes}`, {
    details: { found, inodes },
  });
}

interface UnpackOptions extends WriteSlotOptions {
  /** An image that was made of a slot brings its stamp: until this slot is whole it must not say that it is. */
  readonly onStamp: () => void;
}

async function unpack(layer: SystemLayer, writer: TreeWriter, options: UnpackOptions): Promise<"done" | "stopped"> {
  const { signal, onProgress, stopAt, onStamp } = options;
  const { name, sizeBytes } = layer;
  let doneBytes = 0;
  let toldBytes = 0;
  // It is told once, and to who reads ahead: that may be nobody who passes it on.
  let sourceFailure: { readonly error: unknown } | undefined;
  const counted = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const piece of layer.open(signal)) {
        doneBytes += piece.length;
        if (doneBytes - toldBytes >= TOLD_BYTES) {
          toldBytes = doneBytes;
          onProgress({ step: "unpack", layer: name, doneBytes, sizeBytes });
        }
        yield piece;
      }
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  };
  onProgress({ step: "unpack", layer: name, doneBytes, sizeBytes });
  writer.beginLayer();
  const raw = counted();
  const plain = decompress({ [Symbol.asyncIterator]: () => ({ next: () => raw.next() }) });
  try {
    for await (const item of readTar(plain)) {
      requireGoing(signal);
      const { path, kind } = item.entry;
      if (stopAt !== undefined && kind !== "folder" && path.join("/") === stopAt) return "stopped";
      if (path.length === 1 && STAMPS.has(path[0] ?? "")) onStamp();
      else await writer.write(item);
    }
    // What stands behind the end of the archive belongs to the digest too.
    while ((await plain.next()).done !== true) requireGoing(signal);
  } catch (error) {
    // Where the source has sent something else than the digest names, that is why, and known at its end only.
    if (!hasCode(error, "SLOT_LAYER_BROKEN")) throw error;
    while ((await raw.next()).done !== true) requireGoing(signal);
    throw sourceFailure === undefined ? error : sourceFailure.error;
  } finally {
    await plain.return(undefined);
    await raw.return(undefined);
  }
  onProgress({ step: "unpack", layer: name, doneBytes, sizeBytes });
  return "done";
}

function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw new SlotError("SLOT_INTERRUPTED", "writing the slot was broken off");
}
