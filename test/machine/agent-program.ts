/** What the tests' machines run as ros-agent: the sources, or a bundle of them that is made for one run of tests. */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where `node packages/cli/src/main.ts ARGS` begins: for what holds of the sources alone. */
export const AGENT_SOURCES = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../scripts/bundle-agent.ts", import.meta.url));
const TIMEOUT_MS = 120_000;
/** Inherited by the processes that test files run in. */
const VARIABLE = "RANCHEROS_TEST_AGENT";

/**
 * Bundles the sources as they are now into the folder, as scripts/bundle-agent does for people; agents of this process and
 * its children then run that. A start of the sources takes three times as long, most of it for hundreds of files.
 */
export async function bundleAgent(folder: string): Promise<void> {
  await promisify(execFile)(process.execPath, [BUNDLE, folder], {
    cwd: path.resolve(path.dirname(BUNDLE), ".."),
    timeout: TIMEOUT_MS,
  });
  process.env[VARIABLE] = path.join(folder, "ros-agent.cjs");
}

/** @returns a script for Node */
export function agentProgram(): string {
  return process.env[VARIABLE] ?? AGENT_SOURCES;
}
