/** Where containerd, its shim and ctr are; the first time, they are built. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/containerd-binaries", import.meta.url));

/** A cold build takes a minute on two cores, and another process may be ahead of us in the queue. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** @returns the folder that holds them */
export async function findContainerdBinaries(): Promise<string> {
  const script = spawn(SCRIPT, [], { stdio: ["ignore", "pipe", "inherit"], timeout: BUILD_TIMEOUT_MS });
  const [folder] = await Promise.all([text(script.stdout), once(script, "exit")]);
  if (script.exitCode !== 0) throw new Error("scripts/containerd-binaries failed: its reason is above");
  return folder.trim();
}
