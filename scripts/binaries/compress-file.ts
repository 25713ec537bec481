/** Packs an executable with xz: the same bytes on each machine. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const XZ_TIMEOUT_MS = 15 * 60_000;

/** Blocks of one size, so that the number of processors does not show. Leaves FILE.xz beside it. */
export async function compressFile(file: string): Promise<void> {
  const args = ["--keep", "--threads=2", "--block-size=32MiB", "-6", file];
  // These would count beside the arguments.
  const { XZ_OPT: _options, XZ_DEFAULTS: _defaults, ...env } = process.env;
  await promisify(execFile)("xz", args, { env, timeout: XZ_TIMEOUT_MS });
}
