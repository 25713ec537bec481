/** The single executable of ros-agent, as on a machine that has neither this checkout nor Node. */
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { startProgram, type Outcome, type Running } from "./ros-agent.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** In a mount namespace of its own, empty: the checkout, and every node on the way. */
const ALONE = `mount -t tmpfs none "$1" || exit
while node="$(command -v node)"; do mount --bind /dev/null "$node" || exit; hash -r; done
shift; exec "$@"`;

/**
 * Makes it where its sources have changed, and puts a copy where nothing is beside it.
 * @param folder  outside of the checkout
 * @returns the copy
 * @throws Error  with what the build said
 */
export async function singleExecutable(folder: string): Promise<string> {
  const { code, stderr } = await startProgram([path.join(ROOT, "scripts/build-agent"), "--no-xz"]).outcome;
  if (code !== 0) throw new Error(`the executable was not made:\n${stderr}`);
  mkdirSync(folder);
  const copy = path.join(folder, "ros-agent");
  copyFileSync(path.join(ROOT, "dist/ros-agent"), copy);
  return copy;
}

/** Starts a program without checkout and Node. */
export function startAlone(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const asUser = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  return startProgram(["unshare", "--mount", ...asUser, "sh", "-c", ALONE, "sh", ROOT, ...command], environment);
}

export function runAlone(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return startAlone(command, environment).outcome;
}
