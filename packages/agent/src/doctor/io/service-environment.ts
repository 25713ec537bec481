/** The environment of the agent's services, which is another than that of whoever calls doctor. */
import { constants, open } from "node:fs/promises";
import { join } from "node:path";

import { parseEnvironmentFile } from "../environment-file.ts";

/** As the units name it. */
const FILE = "/etc/default/ros-agent";
const MAX_BYTES = 64 * 1024;

/** @returns empty where there is none that can be read */
export async function readServiceEnvironment(hostRoot: string): Promise<Readonly<Record<string, string>>> {
  // A pipe that nobody writes to would hold us for ever.
  const file = await open(join(hostRoot, FILE), constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return {};
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return parseEnvironmentFile(buffer.toString("utf8", 0, bytesRead));
  } catch {
    return {};
  } finally {
    await file.close();
  }
}
