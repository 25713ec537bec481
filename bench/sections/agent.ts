/** `ros-agent run` as systemd starts it: how long until it says READY=1, and what it holds when nothing is to be done. */
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder, removeFolder } from "../folders.ts";
import { cpuMs, memoryOf } from "../process-figures.ts";
import { spreadOf, type Spread } from "../statistics.ts";
import { builtAgent, ROS_AGENT } from "../contestants.ts";

export interface AgentPlan {
  readonly starts: number;
  /** So long nothing is to be done before its memory is looked at. */
  readonly idleMs: number;
}

export interface AgentFigures {
  readonly program: "single executable" | "checkout";
  /** From exec to READY=1. */
  readonly readyMs: Spread;
  readonly readyCpuMs: Spread;
  readonly residentMb: Spread;
  /** Of it what no file backs. */
  readonly privateMb: Spread;
}

const READY_TIMEOUT_MS = 30_000;
/** As `OpenFile=` of the unit hands the notification socket in: descriptor 3, here a pipe. */
const AS_SYSTEMD = 'export LISTEN_FDS=1 LISTEN_FDNAMES=notify LISTEN_PID=$$; exec "$@"';

/** The single executable where scripts/build-agent has made it, and the checkout. */
export async function measureAgent(
  { starts, idleMs }: AgentPlan,
  say: (line: string) => void,
): Promise<readonly AgentFigures[]> {
  const built = builtAgent();
  const programs = [
    ...(built === undefined ? [] : [["single executable", built] as const]),
    ["checkout", ROS_AGENT] as const,
  ];
  const figures: AgentFigures[] = [];
  for (const [program, file] of programs) {
    say(`ros-agent run, ${program}, ${starts} times`);
    await start(file, 0);
    const runs: Start[] = [];
    for (let run = 0; run < starts; run++) runs.push(await start(file, idleMs));
    figures.push({
      program,
      readyMs: spreadOf(runs.map((one) => one.readyMs)),
      readyCpuMs: spreadOf(runs.map((one) => one.cpuMs)),
      residentMb: spreadOf(runs.map((one) => one.residentMb)),
      privateMb: spreadOf(runs.map((one) => one.privateMb)),
    });
  }
  return figures;
}

interface Start {
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly residentMb: number;
  readonly privateMb: number;
}

async function start(program: string, idleMs: number): Promise<Start> {
  const folder = makeFolder("bench-agent-");
  const flags = ["state", "run", "host"].map((name) => {
    const inner = path.join(folder, name);
    mkdirSync(inner);
    return `--${name}-${name === "host" ? "root" : "folder"}=${inner}`;
  });
  const { PATH = "", HOME = "/" } = process.env;
  const begunMs = performance.now();
  const child = spawn("sh", ["-c", AS_SYSTEMD, "sh", program, "run", "--without-operator", ...flags], {
    env: { PATH, HOME },
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  try {
    await saysReady(child.stdio[3] as Readable);
    const readyMs = performance.now() - begunMs;
    const pid = child.pid ?? 0;
    const spentMs = cpuMs(pid);
    await sleep(idleMs);
    const { rssMb, anonymousMb } = memoryOf(pid);
    return { readyMs, cpuMs: spentMs, residentMb: rssMb, privateMb: anonymousMb };
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    removeFolder(folder);
  }
}

/** @throws Error where it does not in time */
async function saysReady(words: Readable): Promise<void> {
  let said = "";
  for await (const [piece] of on(words, "data", { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })) {
    said += String(piece);
    if (said.includes("READY=1")) return;
  }
}
