/** The file of GRUB's environment block: all of it or nothing, and on the disk. */
import { systemCode } from "@rancheros/protocol/errors";
import { link, lstat, open, readFile, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

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

/**
 * Whatever block of it a power cut leaves out, GRUB finds the old words or the new ones.
 * @throws SlotError SLOT_ENVIRONMENT_UNSAVED, SLOT_ENVIRONMENT_BROKEN
 */
export async function writeGrubEnvironmentFile(path: string, words: GrubWords): Promise<void> {
  const block = writeGrubEnvironment(words);
  const temporary = temporaryFor(path);
  const old = join(dirname(path), `.${basename(path)}.before`);
  let isNamed = false;
  try {
    await dropLeft(path, old);
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(block);
      await file.sync();
    } finally {
      await file.close();
    }
    // What has no name any more is emptied, and a disk may do so before it has the new name: the old ones keep one until then.
    await link(path, old).catch(onlyMissing);
    // The new ones lie in place before their name leads there.
    await putInPlace(temporary);
    await rename(temporary, path);
    isNamed = true;
    await putInPlace(path);
    // The words count. One that stays is dropped by the next writer.
    await unlink(old).catch(() => undefined);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    const doubt = isNamed && !(await putBack(path, old)) ? "; it may count at the next start all the same" : "";
    const message = `${path} cannot be written: ${why}${doubt}`;
    throw new SlotError("SLOT_ENVIRONMENT_UNSAVED", message, { cause, details: { path } });
  } finally {
    await sweepTemporaries(path);
  }
}

/** What is reported as failed must not come at the next start. @returns whether the old words are there again, for good */
async function putBack(path: string, old: string): Promise<boolean> {
  try {
    await rename(old, path).catch((cause: unknown) => {
      onlyMissing(cause);
      return unlink(path);
    });
    await putInPlace(path).catch(onlyMissing);
    return true;
  } catch {
    return false;
  }
}

/** The old words under their second name, where a writer was killed: whether the new name is on the disk nobody knows. */
async function dropLeft(path: string, old: string): Promise<void> {
  // Most often there are none, and nothing is to be put anywhere.
  const isLeft = await lstat(old).then(
    () => true,
    (cause: unknown) => {
      onlyMissing(cause);
      return false;
    },
  );
  if (!isLeft) return;
  await putInPlace(path);
  await unlink(old);
}

/** A file and its name, for who reads the disk without the journal. */
async function putInPlace(path: string): Promise<void> {
  // The name itself survives a power cut only with the folder.
  await syncPath(dirname(path));
  // GRUB reads ext4 without its journal: what is only in there it does not see.
  await syncFileSystem(dirname(path));
  // What that has put in its place last may still be in the disk's own cache. The fsync of a file empties it though nothing is
  // left to write; that of a folder does not. Source: Linux, fs/ext4/fsync.c
  await syncPath(path);
}

function onlyMissing(cause: unknown): void {
  if (systemCode(cause) !== "ENOENT") throw cause;
}
