/** The journal's file: all of it or nothing, on the disk, for root only. */
import { systemCode } from "@rancheros/protocol/errors";
import { chmod, link, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile, syncPath, whyRefused } from "../../files/index.ts";
import { UpgradeError } from "../errors.ts";
import type { JournalFile } from "../ports.ts";
import { JOURNAL_MAX_BYTES } from "../read-journal.ts";

const NAME = "upgrade.json";
const BROKEN_NAME = "upgrade.json.broken";
/** Always the same: a kill leaves one at most. */
const BROKEN_LINK_NAME = `.${BROKEN_NAME}.new`;

/** @param folder  made where it is missing */
export function journalFile(folder: string): JournalFile {
  const path = join(folder, NAME);
  return {
    async read() {
      try {
        const { size } = await stat(path);
        // Whatever has grown so large is none of ours: read as broken.
        if (size > JOURNAL_MAX_BYTES) return "";
        return await readFile(path, "utf8");
      } catch (cause) {
        if (systemCode(cause) === "ENOENT") return undefined;
        throw new UpgradeError("UPGRADE_JOURNAL_UNREADABLE", `${path} cannot be read: ${whyRefused(cause)}`, { cause });
      }
    },
    async write(text) {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await chmod(folder, 0o700);
        await replaceFile(path, text);
      } catch (cause) {
        throw new UpgradeError("UPGRADE_JOURNAL_UNSAVED", `${path} cannot be written: ${whyRefused(cause)}`, { cause });
      }
    },
    async keepAside() {
      const aside = join(folder, BROKEN_NAME);
      const name = join(folder, BROKEN_LINK_NAME);
      try {
        await rm(name, { force: true });
        await link(path, name);
        await rename(name, aside);
        await syncPath(folder);
        return aside;
      } catch {
        return undefined;
      } finally {
        // Also where all went well: of two names of the same file, as after a kill, rename() leaves both.
        await rm(name, { force: true }).catch(() => undefined);
      }
    },
  };
}
