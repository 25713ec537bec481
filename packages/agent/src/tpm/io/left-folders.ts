/** Work folders of programs that were killed: told from those of living ones by a socket, which goes with its process. */
import { lstat, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";

import { systemCode } from "@rancheros/protocol/errors";

export interface LeftFolder {
  readonly path: string;
  /** Never throws. */
  remove(): Promise<void>;
}

export const WORK_FOLDER_PREFIX = "ros-tpm-";
const SOCKET = "alive";
const TCTI = "tcti";
/** A TPM has room for 64 sessions at most. */
const MOST_FOLDERS = 64;

/**
 * Until the returned function is called, or the process has ended in whatever way, others find a living program behind the
 * folder. A process id would not do: it is given anew, and means another process in a container.
 *
 * Where there can be no socket, the folder says nothing of itself and is nobody's to remove.
 */
export async function showLife(folder: string, tcti: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(join(folder, SOCKET), () => resolve(true));
  });
  // Last, for it is what others go by.
  if (isListening) await writeFile(join(folder, TCTI), tcti, { mode: 0o600 }).catch(() => undefined);
  return async () => {
    if (isListening) await new Promise((resolve) => server.close(resolve));
  };
}

/**
 * @param tcti  of the TPM that they were of
 * @returns those of this user whose program is no more; none where that cannot be told
 */
export async function findLeftFolders(baseFolder: string, tcti: string): Promise<readonly LeftFolder[]> {
  const names = await readdir(baseFolder).catch(() => []);
  const found: LeftFolder[] = [];
  for (const name of names.filter((one) => one.startsWith(WORK_FOLDER_PREFIX))) {
    if (found.length === MOST_FOLDERS) break;
    const path = join(baseFolder, name);
    if (!(await isLeft(path, tcti).catch(() => false))) continue;
    found.push({ path, remove: () => rm(path, { recursive: true, force: true }).catch(() => undefined) });
  }
  return found;
}

async function isLeft(path: string, tcti: string): Promise<boolean> {
  const stats = await lstat(path);
  // In a folder where everybody may write, somebody may have laid something out for root.
  if (!stats.isDirectory() || stats.uid !== process.getuid?.() || (stats.mode & 0o077) !== 0) return false;
  if ((await readFile(join(path, TCTI), "utf8")) !== tcti) return false;
  return !(await isAlive(join(path, SOCKET)));
}

/** Anything but a clear no counts as alive. */
function isAlive(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", (error) => resolve(systemCode(error) !== "ECONNREFUSED"));
  });
}
