/** What the running system says of itself. */
import { release } from "node:os";
import { join } from "node:path";

import { readBeginning } from "./read-beginning.ts";

export interface SystemTexts {
  /** As `uname -r`. */
  readonly kernel: string;
  readonly osRelease: string;
  readonly commandLine: string;
}

const MAX_BYTES = 16 * 1024;

/** Never fails: what cannot be read is empty. */
export async function readSystemTexts(hostRoot: string): Promise<SystemTexts> {
  const first = async (...paths: readonly string[]): Promise<string> => {
    for (const path of paths) {
      const text = await readBeginning(path, MAX_BYTES);
      if (text !== "") return text;
    }
    return "";
  };
  return {
    kernel: release(),
    osRelease: await first(join(hostRoot, "/etc/os-release"), join(hostRoot, "/usr/lib/os-release")),
    commandLine: await first(join(hostRoot, "/proc/cmdline"), "/proc/cmdline"),
  };
}
