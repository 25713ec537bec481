/** A real operator process for tests, the demo and measurements. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { programNamed } from "../../scripts/binaries/programs.ts";
import { writeOperatorKubeconfig } from "../chart/operator-login.ts";
import { findFreePort } from "../control-plane/free-port.ts";
import { TetheredProcess } from "../control-plane/tethered-process.ts";
import type { Stretch } from "./changing-time.ts";
import { operatorProgram } from "./operator-program.ts";

const CLOCK_SCRIPTS = ["changing-time", "scaled-clock"];
/** As it is shipped. */
const NODE_FLAGS = programNamed("rancheros-operator").execArgv;
const ENVIRONMENT = { MALLOC_ARENA_MAX: "1" };
const STOP_GRACE_MS = 6_000;
const READY_TIMEOUT_MS = 30_000;

export interface OperatorOptions {
  /** Holds the log, made when missing. */
  readonly folder: string;
  readonly kubeconfigPath: string;
  /**
   * chart, the default: kubeconfigPath is the admin's of a test control plane, and the operator has the rights that the
   * chart gives it. given: kubeconfigPath is the operator's own.
   */
  readonly rights?: "chart" | "given";
  /** Further values of the chart, for rights that come with them. */
  readonly chartValues?: object;
  /** Where rights come and go, such as with the API server: stop() does not mind refused requests. */
  readonly mayBeForbidden?: boolean;
  /** Namespace of the operator's own Secrets; must exist. */
  readonly namespace: string;
  /** Serves the objects of this namespace only. */
  readonly watchNamespace?: string;
  /** Where machines are told to go; default is its own HTTPS listener. "" leaves it to Rancher's settings. */
  readonly serverUrl?: string;
  readonly flags?: readonly string[];
  /** What is started in place of Node with the script: the single executable, by a program that runs it. */
  readonly command?: readonly [string, ...string[]];
  /** Settings that flags leave to it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Script to run instead of what operator-program.ts says, for measuring what is shipped. */
  readonly script?: string;
  readonly name?: string;
  /** Do not wait until it is ready. */
  readonly waitReady?: boolean;
  /** Its time passes so many times as fast from this moment on, and is ahead by so much; see scaled-clock.ts. */
  readonly clock?: { readonly epochMs: number; readonly factor: number; readonly aheadMs?: number };
}

export interface OperatorProcess {
  readonly pid: number;
  /** https://127.0.0.1:PORT */
  readonly httpsUrl: string;
  /** http://127.0.0.1:PORT, as a proxy that ends TLS would reach it. */
  readonly httpUrl: string;
  readonly healthUrl: string;
  /** All that it has logged so far. */
  log(): string;
  isReady(): Promise<boolean>;
  waitReady(): Promise<void>;
  /** @throws Error  where the API server has refused it something for want of a right */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Its clock, where it was given one, goes on at another pace; needs an operator that is ready. */
  changeClock(next: Stretch): void;
}

/** Their types are taken out here: what does that in the operator would stay in its memory, which is measured. */
function scaledClockFlag({ folder, clock }: Pick<OperatorOptions, "folder" | "clock">): readonly string[] {
  if (clock === undefined) return [];
  for (const name of CLOCK_SCRIPTS) {
    const source = readFileSync(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), "utf8");
    const script = stripTypeScriptTypes(source).replaceAll(/(from "[.]\/[\w-]+)[.]ts"/g, '$1.mjs"');
    writeFileSync(path.resolve(folder, `${name}.mjs`), script);
  }
  const script = pathToFileURL(path.resolve(folder, "scaled-clock.mjs")).href;
  const changes = encodeURIComponent(clockChangesPath(folder));
  const { epochMs, factor, aheadMs = 0 } = clock;
  return [`--import=${script}?epoch=${epochMs}&factor=${factor}&ahead=${aheadMs}&changes=${changes}`];
}

function clockChangesPath(folder: string): string {
  return path.resolve(folder, "clock-change.json");
}

/** What the API server says to somebody who lacks a right. */
const FORBIDDEN = /^.* is forbidden: User .*$/m;

/** @throws Error with the last lines of its log where it does not become ready */
export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const kubeconfigPath =
    options.rights === "given" ? options.kubeconfigPath : await writeOperatorKubeconfig(options.folder, options);
  const [https, http, health] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const httpsUrl = `https://127.0.0.1:${https}`;
  const serverUrl = options.serverUrl ?? httpsUrl;
  const byNode = [
    process.execPath,
    ...NODE_FLAGS,
    ...scaledClockFlag(options),
    options.script ?? operatorProgram(),
  ] as const;
  const [executable, ...before] = options.command ?? byNode;
  const child = new TetheredProcess({
    name: options.name ?? "rancheros-operator",
    executable,
    environment: { ...ENVIRONMENT, ...options.environment },
    folder: options.folder,
    args: [
      ...before,
      "run",
      `--kubeconfig=${path.resolve(kubeconfigPath)}`,
      `--namespace=${options.namespace}`,
      `--https-listen=127.0.0.1:${https}`,
      `--http-listen=127.0.0.1:${http}`,
      `--health-listen=127.0.0.1:${health}`,
      // Nobody is sent there any more when a test ends it; who wants to try that says otherwise.
      "--stop-delay=0",
      ...(serverUrl === "" ? [] : [`--server-url=${serverUrl}`]),
      ...(options.watchNamespace === undefined ? [] : [`--watch-namespace=${options.watchNamespace}`]),
      ...(options.flags ?? []),
    ],
  });
  const healthUrl = `http://127.0.0.1:${health}`;
  const operator: OperatorProcess = {
    pid: child.pid ?? 0,
    httpsUrl,
    httpUrl: `http://127.0.0.1:${http}`,
    healthUrl,
    log: () => readFileSync(child.logPath, "utf8"),
    async isReady() {
      try {
        return (await fetch(`${healthUrl}/readyz`, { signal: AbortSignal.timeout(2_000) })).status === 200;
      } catch {
        return false;
      }
    },
    async waitReady() {
      const deadline = performance.now() + READY_TIMEOUT_MS;
      while (!(await operator.isReady())) {
        if (!child.running) throw new Error(`the operator ${child.ending}; its last lines:\n${child.lastLines()}`);
        if (performance.now() > deadline) throw new Error(`the operator is not ready:\n${child.lastLines()}`);
        await sleep(50);
      }
    },
    async stop() {
      await child.stop(STOP_GRACE_MS);
      const [refused] = FORBIDDEN.exec(operator.log()) ?? [];
      if (refused !== undefined && options.mayBeForbidden !== true) {
        throw new Error(`the operator lacks a right: ${refused}`);
      }
    },
    kill: () => child.kill(),
    changeClock(next) {
      const file = clockChangesPath(options.folder);
      writeFileSync(`${file}.new`, JSON.stringify(next));
      renameSync(`${file}.new`, file);
      child.signal("SIGUSR2");
    },
  };
  if (options.waitReady ?? true) await operator.waitReady();
  return operator;
}
