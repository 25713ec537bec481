/** kubectl's own drain command, many runs in one process: scripts/control-plane/kubernetes/drain-batch. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { buildGoModule } from "../go/build-module.ts";
import type { Combination } from "./combinations.ts";
import { kubectlArgs, type KubectlRun } from "./kubectl-drain.ts";

/** The one that kubectl is built from, so that both have the same sources, and what is compiled is compiled once. */
const MODULE = fileURLToPath(new URL("../../scripts/control-plane/kubernetes", import.meta.url));
const LAST_WORDS = 2_000;

export async function buildDrainBatch(): Promise<string> {
  const folder = await buildGoModule({
    folder: MODULE,
    prefix: "drain-batch-",
    packages: ["./drain-batch"],
    what: "kubectl's drain for many runs",
  });
  return path.join(folder, "drain-batch");
}

/** A dry run, asked of the server. */
export interface BatchDrain {
  readonly node: string;
  readonly combination: Combination;
}

export interface BatchRun extends KubectlRun {
  /** Evictions and deletions that the API server has answered. */
  readonly removals: number;
}

type Result = Omit<BatchRun, "user" | "exitCode"> & { readonly exitCode?: number };

interface Word {
  readonly id: number;
  readonly isRetrying?: boolean;
  readonly result?: Result;
}

interface Waiting {
  readonly onRetrying: () => void;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/** @param program  of buildDrainBatch */
export function startKubectlBatch(program: string, target: Pick<KubectlTarget, "kubeconfigPath">): KubectlBatch {
  const { kubeconfigPath } = target;
  // It ends with its standard input, and so with us.
  const child = spawn(program, [], {
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: path.dirname(kubeconfigPath),
      KUBECONFIG: kubeconfigPath,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new KubectlBatch(child);
}

export class KubectlBatch {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #lastWords = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    createInterface(child.stdout).on("line", (line) => this.#hear(JSON.parse(line) as Word));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    // What is to be written to one that is gone ends as all of its runs do, below.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => this.#end(error.message));
    child.on("close", (code, signal) => this.#end(`it ended with ${signal ?? code}`));
  }

  /**
   * Runs `kubectl drain`, each time as another user. What would try again for ever is ended when it begins to, and has no
   * exit code.
   * @param onRetrying  called when it sleeps from here on, most of the time
   */
  async run({ node, combination }: BatchDrain, onRetrying: () => void = () => undefined): Promise<BatchRun> {
    this.#count += 1;
    const id = this.#count;
    const user = `batch-${id}`;
    const args = kubectlArgs({ nodes: [node], combination, dryRun: true, user });
    const order = { id, args, endsWithRetry: combination.timeoutSeconds === 0 };
    const result = await new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { onRetrying, resolve, reject });
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) this.#end("it is gone");
      else this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    });
    return { exitCode: undefined, ...result, user };
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, "close");
  }

  #hear({ id, isRetrying, result }: Word): void {
    const waiting = this.#waiting.get(id);
    if (isRetrying === true) waiting?.onRetrying();
    if (result === undefined) return;
    this.#waiting.delete(id);
    waiting?.resolve(result);
  }

  #end(how: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`drain-batch: ${how}\n${this.#lastWords}`));
    this.#waiting.clear();
  }
}
