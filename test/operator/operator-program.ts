/** What the tests' operators run: the sources, or a bundle of them that is made for one run of tests. */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("../../packages/operator/src/main.ts", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../scripts/bundle-operator", import.meta.url));
const TIMEOUT_MS = 120_000;
/** Inherited by the processes that test files run in. */
const VARIABLE = "RANCHEROS_TEST_OPERATOR";

/**
 * Bundles the sources as they are now into the folder; operators of this process and its children then run that. Each
 * start of the sources costs more than a second of CPU, most of it for 1,700 files.
 */
export async function bundleOperator(folder: string): Promise<void> {
  const file = path.join(folder, "rancheros-operator.mjs");
  await promisify(execFile)(BUNDLE, [`--outfile=${file}`], { timeout: TIMEOUT_MS });
  process.env[VARIABLE] = file;
}

/** @returns a script for Node */
export function operatorProgram(): string {
  return process.env[VARIABLE] ?? MAIN;
}
