/** What an installation writes beside the disk: below its work folder, where the next one finds what a killed one has left. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { clearMounts, refusedAt } from "../../slots/index.ts";

const NAME = "files";

/**
 * @param folder  where the installation mounts; its own
 * @param work    gets a folder that is empty, for root only, and gone afterwards
 * @throws SlotError SLOT_NO_ROOM, SLOT_WRITE_FAILED, and what `work` throws
 */
export async function withWorkFiles<T>(folder: string, work: (files: string) => Promise<T>): Promise<T> {
  const files = join(folder, NAME);
  await rm(files, { recursive: true, force: true }).catch(refusedAt(files));
  await mkdir(files, { recursive: true, mode: 0o700 }).catch(refusedAt(files));
  try {
    return await work(files);
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

/** @throws SlotError SLOT_NO_ROOM, SLOT_WRITE_FAILED */
export async function writeWorkFile(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content, { flag: "wx", mode: 0o600 }).catch(refusedAt(path));
}

/** Of an installation that was killed. @throws SlotError */
export async function clearWorkFolder(folder: string): Promise<void> {
  const files = join(folder, NAME);
  // First: what is mounted there is nobody's to remove.
  await clearMounts(files);
  await rm(files, { recursive: true, force: true }).catch(refusedAt(files));
  await clearMounts(folder);
}
