/** Where the real etcd, kube-apiserver, kube-controller-manager and kubectl are; the first time, they are built. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/control-plane-binaries", import.meta.url));

/** A cold build takes about eight minutes on two cores, and another process may be ahead of us in the queue. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

/**
 * @param names  which binaries, as scripts/control-plane-binaries knows them; its usual four when empty
 * @returns      the folder that holds them
 */
export async function findControlPlaneBinaries(names: readonly string[] = []): Promise<string> {
  const script = spawn(SCRIPT, [...names], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: BUILD_TIMEOUT_MS,
  });
  const [folder] = await Promise.all([text(script.stdout), once(script, "exit")]);
  if (script.exitCode !== 0) throw new Error("scripts/control-plane-binaries failed: its reason is above");
  return folder.trim();
}
