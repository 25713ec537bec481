/** The file of GRUB's environment block: all of it or nothing, and on the disk. */
import { open, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import { sweepTemporaries, syncPath, temporaryFor } from "../../files/index.ts";
import { SlotError } from "../errors.ts";
import { readGrubEnvironment, writeGrubEnvironment, type GrubWords } from "../grub-environment.ts";
import { syncFileSystem } from "./file-systems.ts";

/** @throws SlotError SLOT_ENVIRONMENT_BROKEN */
export async function readGrubEnvironmentFile(path: string): Promise<GrubWords> {
  const block = await readFile(path).catch((cause: unknown) => {
    throw new SlotError("SLOT_ENVIRONMENT_BROKEN", `${path} cannot be read`, { cause, details: { path } });
  });
  return readGrubEnvironment(block);
}

/** @throws SlotError SLOT_ENVIRONMENT_UNSAVED, SLOT_ENVIRONMENT_BROKEN */
export async function writeGrubEnvironmentFile(path: string, words: GrubWords): Promise<void> {
  const block = writeGrubEnvironment(words);
  const temporary = temporaryFor(path);
  try {
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(block);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    // The rename itself survives a power cut only with the folder.
    await syncPath(dirname(path));
    // GRUB reads ext4 without its journal: what is only in there it does not see.
    await syncFileSystem(dirname(path));
    // What that has put in its place last may still be in the disk's own cache. The fsync of a file empties it though nothing is
    // left to write; that of a folder does not. Source: Linux, fs/ext4/fsync.c
    await syncPath(path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", `${path} cannot be written: ${why}`, { cause, details: { path } });
  } finally {
    await sweepTemporaries(path);
  }
}
