/** The environment of the agent's services, which is another than that of whoever calls doctor. */
import { join } from "node:path";

import { parseEnvironmentFile } from "../environment-file.ts";
import { readBeginning } from "./read-beginning.ts";

/** As the units name it. */
const FILE = "/etc/default/ros-agent";
const MAX_BYTES = 64 * 1024;

/** @returns empty where there is none that can be read */
export async function readServiceEnvironment(hostRoot: string): Promise<Readonly<Record<string, string>>> {
  return parseEnvironmentFile(await readBeginning(join(hostRoot, FILE), MAX_BYTES));
}
