/** Which commit this program was built from. A checkout asks git. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

/** Put in by scripts/build-agent; "" where it was built outside a repository. */
declare const BUILD_COMMIT: string | undefined;

const GIT_TIMEOUT_MS = 5_000;
/** Of another repository, into which a copy without its own was put, git knows no such file. */
const OWN_FILE = "packages/cli/package.json";

/** @returns 40 hexadecimal digits, with `-dirty` behind them where files differ from it; undefined where nobody knows */
export async function buildCommit(): Promise<string | undefined> {
  if (typeof BUILD_COMMIT === "string") return BUILD_COMMIT === "" ? undefined : BUILD_COMMIT;
  try {
    await git("rev-parse", "--verify", "--quiet", `HEAD:${OWN_FILE}`);
    return (await git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")).trim();
  } catch {
    return undefined;
  }
}

/** Asks about this checkout also where it is somebody else's, as root's often is: who runs this runs what is in it anyway. */
async function git(...args: readonly string[]): Promise<string> {
  // From here, and as well from the bundle's folder in dist/bundle.
  const checkout = path.resolve(import.meta.dirname, "../../..");
  const options = { cwd: import.meta.dirname, timeout: GIT_TIMEOUT_MS };
  return (await promisify(execFile)("git", ["-c", `safe.directory=${checkout}`, ...args], options)).stdout;
}
