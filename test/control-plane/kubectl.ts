/** Runs the real kubectl against a test control plane. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";

const DEFAULT_TIMEOUT_MS = 30_000;

/** The part of a control plane that kubectl needs: a ControlPlane, or what `inject("controlPlane")` gives. */
export interface KubectlTarget {
  readonly kubeconfigPath: string;
  readonly binariesFolder: string;
}

export interface KubectlOptions {
  /** Written to its standard input, for `-f -`. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** kubectl ended with a status other than 0, or not in time. */
export class KubectlError extends Error {
  override readonly name = "KubectlError";
  readonly stderr: string;

  constructor(args: readonly string[], ending: string, stderr: string) {
    super(`kubectl ${args.join(" ")} ${ending}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** @returns what kubectl wrote to its standard output */
export async function kubectl(
  target: KubectlTarget,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  const child = spawn(path.join(target.binariesFolder, "kubectl"), [...args], {
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      KUBECONFIG: target.kubeconfigPath,
      // What it learns of the server goes beside the kubeconfig, not into somebody's home folder.
      KUBECACHEDIR: path.join(path.dirname(target.kubeconfigPath), "kubectl-cache"),
    },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  // kubectl may refuse before it has read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (child.exitCode === 0) return stdout;
  const ending = child.signalCode === null ? `ended with status ${child.exitCode}` : "did not end in time";
  throw new KubectlError(args, ending, stderr);
}

/** @returns the object or list that `kubectl ... -o json` printed, to be narrowed by the caller */
export async function kubectlJson(
  target: KubectlTarget,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<unknown> {
  const parsed: unknown = JSON.parse(await kubectl(target, [...args, "--output=json"], options));
  return parsed;
}

/** Applies objects as they are given; JSON is YAML. */
export async function kubectlApply(target: KubectlTarget, ...objects: readonly object[]): Promise<string> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  return kubectl(target, ["apply", "--filename=-"], { input: JSON.stringify(list) });
}
