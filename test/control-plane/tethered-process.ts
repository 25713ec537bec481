/** A child process that dies with its parent, writes its output to a file, and can tell what it said last. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const FREEZE_DEADLINE_MS = 10_000;

export interface TetheredProcessOptions {
  readonly name: string;
  readonly executable: string;
  readonly args: readonly string[];
  /** Working directory; `<name>.log` is appended to in it. */
  readonly folder: string;
  /** Of its environment, more than PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Of the tests' own, see compile-cache.ts and collect-less.ts: the demo and measurements have none. */
const SAVES_TIME = ["NODE_COMPILE_CACHE", "GOGC", "GOMEMLIMIT"];

function savesTime(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SAVES_TIME.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

export class TetheredProcess {
  readonly name: string;
  readonly logPath: string;
  readonly #child: ChildProcess;
  #spawnFailure: Error | undefined;

  constructor(options: TetheredProcessOptions) {
    this.name = options.name;
    this.logPath = path.join(options.folder, `${options.name}.log`);
    const log = openSync(this.logPath, "a", 0o600);
    try {
      // setpriv (util-linux) asks the kernel to kill the child when its parent is gone, also after a SIGKILL of the
      // parent, and then becomes the child: the process id is the child's own.
      this.#child = spawn("setpriv", ["--pdeathsig", "KILL", options.executable, ...options.args], {
        cwd: options.folder,
        // Nothing else of the surroundings: a proxy or a KUBECONFIG of the developer must not reach it.
        env: {
          PATH: process.env["PATH"] ?? "/usr/bin:/bin",
          HOME: options.folder,
          ...savesTime(),
          ...options.environment,
        },
        stdio: ["ignore", log, log],
      });
    } finally {
      closeSync(log);
    }
    this.#child.on("error", (error) => {
      this.#spawnFailure = error;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended, in words; only meaningful when it is not running. */
  get ending(): string {
    if (this.#spawnFailure !== undefined) return `could not be started: ${this.#spawnFailure.message}`;
    const { exitCode, signalCode } = this.#child;
    return signalCode === null ? `ended with exit status ${exitCode}` : `was ended by ${signalCode}`;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGSTOP, and waits until no thread runs any more: on a busy machine those that were not told first go on for a while. */
  async freeze(): Promise<void> {
    this.signal("SIGSTOP");
    const deadline = performance.now() + FREEZE_DEADLINE_MS;
    while (this.running && !this.#isFrozen()) {
      if (performance.now() > deadline) throw new Error(`${this.name} goes on in spite of SIGSTOP`);
      await sleep(1);
    }
  }

  #isFrozen(): boolean {
    const tasks = `/proc/${this.#child.pid}/task`;
    // Linux, proc(5): the state comes after the name, in which there may be anything.
    const isStopped = (task: string): boolean => /\) [Tt] [^)]*$/.test(readFileSync(`${tasks}/${task}/stat`, "utf8"));
    try {
      return readdirSync(tasks).every(isStopped);
    } catch {
      return false; // A thread that ended while it was looked at.
    }
  }

  /** Ends it: politely first, then by force. Resolves when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, "exit");
    // A stopped process would never see the SIGTERM.
    this.#child.kill("SIGCONT");
    this.#child.kill("SIGTERM");
    const timer = new AbortController();
    const late = sleep(graceMs, undefined, { signal: timer.signal }).then(
      () => this.#child.kill("SIGKILL"),
      () => undefined,
    );
    await gone;
    timer.abort();
    await late;
  }

  /** Ends it without a word to it, as a power cut would. Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** The end of the log, for an error message. */
  lastLines(count = 15): string {
    return readFileSync(this.logPath, "utf8").trimEnd().split("\n").slice(-count).join("\n");
  }
}
