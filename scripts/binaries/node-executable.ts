/** The Node that goes into a single executable: this checkout's, or that for another processor, fetched by npm. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { lockedPackage } from "./locked-packages.ts";

export const ARCHITECTURES = ["x64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const NPM_TIMEOUT_MS = 10 * 60_000;
const TAR_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/**
 * @returns its path
 * @throws Error  the registry does not have it, or has another one than package-lock.json says
 */
export async function nodeExecutable(root: string, arch: Architecture): Promise<string> {
  const name = `node-linux-${arch}`;
  const installed = path.join(root, "node_modules", name, "bin/node");
  if (existsSync(installed)) return installed;
  const { version, integrity } = lockedPackage(root, `node_modules/${name}`);
  const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(os.homedir(), ".cache"), "rancheros-operator");
  const kept = path.join(cache, `${name}-${version}`);
  if (existsSync(kept)) return kept;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(path.join(cache, ".making-node-"));
  try {
    const wanted = ["pack", `${name}@${version}`, "--pack-destination", work, "--silent"];
    const { stdout } = await run("npm", wanted, { cwd: work, timeout: NPM_TIMEOUT_MS });
    const archive = path.join(work, stdout.trim());
    const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (found !== integrity) throw new Error(`${name}@${version} is not what package-lock.json says: ${found}`);
    await run("tar", ["-xzf", archive, "-C", work, "package/bin/node"], { timeout: TAR_TIMEOUT_MS });
    renameSync(path.join(work, "package/bin/node"), kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
