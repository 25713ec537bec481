/** What the original operator does for machines that register, kept in Kubernetes as it keeps it: a Go program of ours on its libraries. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildGoModule } from "../go/build-module.ts";

export interface LegacyOperatorOptions {
  readonly kubeconfigPath: string;
  /** The only one that it serves. */
  readonly namespace: string;
  /** What machines are told as rancherd.server. */
  readonly serverUrl: string;
}

export interface LegacyOperator {
  readonly pid: number;
  /** http://127.0.0.1:PORT */
  readonly url: string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** @throws Error with what Go said, where Go is missing or the build fails */
export async function buildLegacyOperator(): Promise<string> {
  const folder = await buildGoModule({
    folder: import.meta.dirname,
    alsoFrom: [fileURLToPath(new URL("../go", import.meta.url))],
    prefix: "legacy-operator-",
    packages: ["."],
    what: "an operator on the original's libraries",
  });
  return path.join(folder, "legacy-operator");
}

/** Resolves when its caches are filled. */
export async function startLegacyOperator(program: string, options: LegacyOperatorOptions): Promise<LegacyOperator> {
  const { kubeconfigPath, namespace, serverUrl } = options;
  const flags = [`--kubeconfig=${kubeconfigPath}`, `--namespace=${namespace}`, `--server-url=${serverUrl}`];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...flags], {
    env: {},
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  async function stop(): Promise<void> {
    child.kill("SIGKILL");
    await exited;
  }
  try {
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout }), "line", { signal: AbortSignal.timeout(START_TIMEOUT_MS) }),
      exited.then(() => {
        throw new Error("the operator on the original's libraries did not start: its reason is above");
      }),
    ])) as [string];
    const { url } = JSON.parse(line) as { readonly url: string };
    return { pid: child.pid ?? 0, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
