/** Puts a support archive in its place: whole or not at all, for its owner only. */
import { randomBytes } from "node:crypto";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { requireReplaceable, syncPath } from "../../files/index.ts";
import { DoctorError } from "../errors.ts";

/** @throws DoctorError DOCTOR_ARCHIVE_UNSAVED */
export async function saveArchive(path: string, bytes: Buffer): Promise<void> {
  const target = resolve(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  let file: FileHandle | undefined;
  try {
    await requireReplaceable(target);
    // The mode comes before the content, and a link of this name is not followed.
    file = await open(temporary, "wx", 0o600);
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    await rename(temporary, target);
    await syncPath(folder);
  } catch (cause) {
    // The first cause is told: what stays is a temporary file that nobody reads.
    await file?.close().catch(() => undefined);
    if (file !== undefined) await unlink(temporary).catch(() => undefined);
    const why = cause instanceof Error ? cause.message.replace(temporary, path) : String(cause);
    throw new DoctorError("DOCTOR_ARCHIVE_UNSAVED", `the archive cannot be saved as ${path}: ${why}`, {
      cause,
      details: { path },
    });
  }
}
