/** Puts a bundle into a Node executable, by Node's own means. */
import { execFile } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { stripElf } from "./strip-elf.ts";

export interface ExecutableParts {
  readonly bundle: Uint8Array;
  /** Path of the Node for the processor that it is for; of the same version as the Node that runs this. */
  readonly node: string;
  readonly execArgv: readonly string[];
  /** Whether NODE_OPTIONS counts. */
  readonly takesNodeOptions: boolean;
}

const BUILD_TIMEOUT_MS = 5 * 60_000;

/**
 * Leaves the executable in a folder, which is to be empty before.
 *
 * Without a snapshot or compiled code: these would depend on the processor that it is built on.
 * @returns its path
 * @throws Error  where Node fails, with what it said
 */
export async function singleExecutable(parts: ExecutableParts, folder: string): Promise<string> {
  const output = path.join(folder, "executable");
  writeFileSync(path.join(folder, "main.cjs"), parts.bundle);
  // Stripped before: afterwards strip would take the bundle along.
  writeFileSync(path.join(folder, "node"), stripElf(readFileSync(parts.node)));
  chmodSync(path.join(folder, "node"), 0o755);
  const config = {
    main: "main.cjs",
    mainFormat: "commonjs",
    executable: "node",
    output: "executable",
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: false,
    execArgv: parts.execArgv,
    execArgvExtension: parts.takesNodeOptions ? "env" : "none",
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  // Names without a folder: where it is built is written nowhere.
  await promisify(execFile)(process.execPath, ["--build-sea", "config.json"], {
    cwd: folder,
    timeout: BUILD_TIMEOUT_MS,
  });
  chmodSync(output, 0o755);
  return output;
}
