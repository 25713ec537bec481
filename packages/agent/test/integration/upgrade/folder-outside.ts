/** What an agent is told whose machine is a folder: nothing of it leads out of there. */
import { join } from "node:path";

export function folderOutside(folder: string, log: (message: string) => void) {
  return {
    hostRoot: folder,
    stateFolder: join(folder, "var/lib/rancheros"),
    runFolder: join(folder, "run/rancheros"),
    kubeconfig: undefined,
    checkTimeoutMs: 10_000,
    environment: {},
    log,
  };
}
