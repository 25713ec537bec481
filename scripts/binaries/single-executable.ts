/** Puts a program into a Node executable, by Node's own means. */
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { stripElf } from "./strip-elf.ts";

export interface ExecutableParts {
  /** Where it begins. */
  readonly main: string;
  /** What that may ask `node:sea` for, by name. */
  readonly assets: ReadonlyMap<string, string>;
  /** Path of the Node for the processor that it is for; of the same version as the Node that runs this. */
  readonly node: string;
  readonly execArgv: readonly string[];
  /** Whether NODE_OPTIONS counts. */
  readonly takesNodeOptions: boolean;
}

const ASSETS = "assets";
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
  writeFileSync(path.join(folder, "main.cjs"), parts.main);
  mkdirSync(path.join(folder, ASSETS));
  const assets = [...parts.assets].map(([name, text]) => {
    const file = path.join(ASSETS, name);
    writeFileSync(path.join(folder, file), text);
    return [name, file] as const;
  });
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
    assets: Object.fromEntries(assets),
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
