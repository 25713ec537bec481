/** The watchdogs that the kernel knows. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { WatchdogFacts } from "../judge-watchdog.ts";
import { readFedWatchdog } from "./systemd.ts";

const FOLDER = "/sys/class/watchdog";
const MAX_DEVICES = 8;

export async function readWatchdog(signal: AbortSignal, folder: string = FOLDER): Promise<WatchdogFacts> {
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => /^watchdog\d+$/.test(name))
    .slice(0, MAX_DEVICES);
  const devices = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name, "identity"), "latin1").catch(() => "");
      return {
        name,
        identity: text
          .replaceAll(/[^\x20-\x7e]/g, "")
          .trim()
          .slice(0, 60),
      };
    }),
  );
  return { devices, fedSeconds: await readFedWatchdog(signal) };
}
