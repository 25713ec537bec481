/** kubectl as a proxy on a private socket, which logs in as its kubeconfig says. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubectlTarget } from "./kubectl.ts";

const READY_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/**
 * It dies with this process, and does not keep it alive.
 * @returns the path of its socket, in a folder that only this user may enter
 */
export async function startKubectlProxy({ binariesFolder, kubeconfigPath }: KubectlTarget): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "kubectl-proxy-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const socketPath = path.join(folder, "socket");
  const { PATH = "/usr/bin:/bin", HOME = folder } = process.env;
  // Nobody else can send it a request, so it need not ask which paths are meant.
  const args = ["proxy", `--unix-socket=${socketPath}`, "--accept-paths=.*", "--reject-paths=^$"];
  const proxy = spawn("setpriv", ["--pdeathsig", "KILL", path.join(binariesFolder, "kubectl"), ...args], {
    env: { PATH, HOME, KUBECONFIG: kubeconfigPath },
    stdio: ["ignore", "ignore", "inherit"],
  });
  proxy.unref();
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await answers(socketPath))) {
    if (proxy.exitCode !== null || performance.now() > deadlineMs) {
      proxy.kill("SIGKILL");
      throw new Error(`kubectl proxy gets no answer of the API server of ${kubeconfigPath}`);
    }
    await sleep(POLL_MS);
  }
  return socketPath;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path: "/version", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("error", () => resolve(false));
    call.end();
  });
}
