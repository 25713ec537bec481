/** A file of the agent's own, in place of the one before: all of it or nothing, on the disk, for its owner only. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { requireReplaceable } from "./require-replaceable.ts";
import { syncPath } from "./sync-path.ts";

/** Nobody writes a small file for so long. */
const LEFT_BEHIND_MS = 10 * 60_000;

/**
 * Its folder is made where it is missing. A link of this name is replaced, not followed; what is neither file nor link stays.
 * @throws what the system says; then the file is as it was before
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryFor(path);
  try {
    await requireReplaceable(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncPath(folder);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await sweepTemporaries(path);
  }
}

/** @returns a name beside the file that nobody else has, and by which what a kill has left of it is known */
export function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Takes away what writers of this file have left who were killed: with each power cut there would be one more. Never throws. */
export async function sweepTemporaries(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(start) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(start.length))) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < LEFT_BEHIND_MS) continue;
    await unlink(join(folder, name)).catch(() => undefined);
  }
}
