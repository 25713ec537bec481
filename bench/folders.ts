/** Folders and processes of a run, none of which outlive it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const folders = new Set<string>();

/** @returns a new folder below the system's own for such things; see removeFolder */
export function makeFolder(prefix: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  // A process that is just being killed may write a last file into it.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  folders.delete(folder);
}

/** Lets a run that is broken off, or hung up on, leave neither processes nor folders. */
export function clearWhenStopped(say: (line: string) => void): void {
  const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, status] of Object.entries(statuses)) {
    process.once(signal, () => {
      say(`bench: ${signal}; what it has started is being ended`);
      killChildren();
      for (const folder of folders) removeFolder(folder);
      process.exit(status);
    });
  }
}

/** Theirs go with them: each has asked the kernel for that, or ends when its channel to its parent does. */
function killChildren(): void {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ");
  for (const pid of children.map(Number).filter((one) => one > 0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}
