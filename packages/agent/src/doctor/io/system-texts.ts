/** What the running system says of itself. */
import { constants, open } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";

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
      const text = await readSome(path);
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

async function readSome(path: string): Promise<string> {
  // A pipe that nobody writes to would hold us for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  } finally {
    await file.close();
  }
}
