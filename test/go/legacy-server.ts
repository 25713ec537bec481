/** Runs what machines see of the original operator. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import { buildLegacyPrograms } from "./build.ts";

/** One line that the server tells; which facts come with which event stands in test/go/cmd/legacy-server. */
export interface LegacyServerEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export interface LegacyServer {
  /** http://127.0.0.1:PORT or https:// */
  readonly url: string;
  /** What it has told so far. */
  readonly events: readonly LegacyServerEvent[];
  /** Waits for an event: the server may tell it a moment after the machine has its answer. */
  event(name: string): Promise<LegacyServerEvent>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const EVENT_TIMEOUT_MS = 5_000;

/** @param args  as test/go/cmd/legacy-server describes them */
export async function startLegacyServer(args: readonly string[]): Promise<LegacyServer> {
  const { serverPath } = await buildLegacyPrograms();
  const child = spawn("setpriv", ["--pdeathsig", "KILL", serverPath, ...args], {
    env: {},
    // What Go's net/http complains about is no matter: the original writes to connections that it gave away.
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = once(child, "exit");
  const events: LegacyServerEvent[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as LegacyServerEvent));

  async function event(name: string, timeoutMs = EVENT_TIMEOUT_MS): Promise<LegacyServerEvent> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = events.find((one) => one.event === name);
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`legacy-server ended with status ${child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`no "${name}" from legacy-server: ${JSON.stringify(events)}`);
      await sleep(10);
    }
  }

  async function stop(): Promise<void> {
    child.kill("SIGTERM");
    await exited;
  }

  try {
    const { url } = await event("listening", START_TIMEOUT_MS);
    return { url: String(url), events, event, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
