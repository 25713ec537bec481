/** The real helm, of both major versions that people have, built once by scripts/helm-binary. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/helm-binary", import.meta.url));
export const CHART = fileURLToPath(new URL("../../charts/rancheros-operator", import.meta.url));

/** A cold build takes some minutes on two cores, and another process may be ahead of us in the queue. */
const BUILD_TIMEOUT_MS = 30 * 60_000;
const DEFAULT_TIMEOUT_MS = 60_000;
/** Rendering writes nothing there, and cannot; helm wants to know it all the same. */
const NOBODYS_HOME = "/proc/no-home";

export type HelmMajor = 3 | 4;

const found = new Map<HelmMajor, Promise<string>>();

async function findHelm(major: HelmMajor): Promise<string> {
  const script = spawn(SCRIPT, [String(major)], { stdio: ["ignore", "pipe", "inherit"], timeout: BUILD_TIMEOUT_MS });
  const [program] = await Promise.all([text(script.stdout), once(script, "exit")]);
  if (script.exitCode !== 0) throw new Error("scripts/helm-binary failed: its reason is above");
  return program.trim();
}

function programOf(major: HelmMajor): Promise<string> {
  const program = found.get(major) ?? findHelm(major);
  found.set(major, program);
  return program;
}

export interface HelmOptions {
  /** Default 4. */
  readonly major?: HelmMajor;
  /** Where it has a cluster to talk to. */
  readonly kubeconfigPath?: string;
  /** Written to its standard input, for `--values -`. */
  readonly values?: object;
}

/** helm ended with a status other than 0, or not in time. */
export class HelmError extends Error {
  override readonly name = "HelmError";
  readonly stderr: string;

  constructor(args: readonly string[], ending: string, stderr: string) {
    super(`helm ${args.join(" ")} ${ending}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** @returns what helm wrote to its standard output */
export async function helm(args: readonly string[], options: HelmOptions = {}): Promise<string> {
  const program = await programOf(options.major ?? 4);
  const home = options.kubeconfigPath === undefined ? NOBODYS_HOME : path.dirname(options.kubeconfigPath);
  const values = options.values === undefined ? [] : ["--values=-"];
  const child = spawn(program, [...args, ...values], {
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      // Not into somebody's home folder, nor into the working directory, where there is no home.
      HOME: home,
      ...Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, path.join(home, "helm")])),
      ...(options.kubeconfigPath === undefined ? {} : { KUBECONFIG: options.kubeconfigPath }),
    },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: DEFAULT_TIMEOUT_MS,
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.values === undefined ? "" : JSON.stringify(options.values));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (child.exitCode === 0) return stdout;
  const ending = child.signalCode === null ? `ended with status ${child.exitCode}` : "did not end in time";
  throw new HelmError(args, ending, stderr);
}
