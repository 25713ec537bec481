/** What lies on devices themselves, by blkid, whatever udev knows of them. */
import { isCodedError } from "@rancheros/protocol/errors";

import { runProgram } from "../../slots/index.ts";

const AT_ONCE = 8;
const PROBE_MS = 10_000;
const KILLED_MS = 1_000;

/** @returns the kind of file system, or of what it is a member of, by path; none of a device that cannot be read */
export async function probeDevices(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const left = paths.values();
  const work = async (): Promise<void> => {
    for (const path of left) {
      const kind = await kindOn(path);
      if (kind !== "") found.set(path, kind);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

async function kindOn(path: string): Promise<string> {
  const args = ["--probe", "--output", "value", "--match-tag", "TYPE", path];
  try {
    // 2: there is nothing. 8: there are several things. Source: blkid(8)
    const accepts = [0, 2, 8];
    const text = await runProgram({ program: "blkid", args, accepts, timeoutMs: PROBE_MS, killedMs: KILLED_MS });
    return text.trim();
  } catch (error) {
    if (isCodedError(error)) return "";
    throw error;
  }
}
