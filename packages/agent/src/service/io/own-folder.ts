/** The folder of the agent's lock and socket: nobody else may put something in their place. */
import { statSync, type Stats } from "node:fs";

import { FilesError } from "../../files/index.ts";

const ROOT = 0;
/** Of the mode: who else may write. */
const GROUP = 0o020;
const OTHERS = 0o002;

/**
 * Whose folder it is decides, and not who may read it: it may be one that all use, as /run is. Its mode stays as it is.
 * @throws FilesError FILES_FOLDER_SHARED
 */
export function requireOwnFolder(path: string): void {
  const found = lookAt(path);
  if (found === undefined || !isShared(found)) return;
  const message = `others than this user may write into the folder ${path}`;
  throw new FilesError("FILES_FOLDER_SHARED", message, { details: { path } });
}

/** @returns undefined where it is yet to be made, or may not be looked at: then it cannot be used either */
function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isShared({ mode, uid, gid }: Stats): boolean {
  if (uid !== ROOT && uid !== process.geteuid?.()) return true;
  const isGroupOurs = gid === ROOT || gid === process.getegid?.();
  return (mode & OTHERS) !== 0 || ((mode & GROUP) !== 0 && !isGroupOurs);
}
