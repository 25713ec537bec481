/** Runs a command and tells what it took, with all that it started. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { memoryOf, processTree } from "./process-figures.ts";

export interface CommandFigures {
  readonly wallMs: number;
  /** User and system time of the command and of all its children. */
  readonly cpuMs: number;
  /** Of the largest process at its largest; looked at every few milliseconds, so a little may be missed. */
  readonly peakMb: number;
  readonly stdout: string;
}

const LOOK_INTERVAL_MS = 4;
/** bash counts the time of children and grandchildren, to the millisecond; it goes to descriptor 4. */
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" 2>&3; } 3>&2 2>&4';

/** @throws Error where it ends with a status other than 0; carries its standard error */
export async function measureCommand(command: string, args: readonly string[]): Promise<CommandFigures> {
  const { PATH = "", HOME = "/" } = process.env;
  const child = spawn("bash", ["-c", TIMED, "bash", command, ...args], {
    env: { PATH, HOME },
    stdio: ["ignore", "pipe", "pipe", "ignore", "pipe"],
  });
  const [, out, remarks, , times] = child.stdio as [null, Readable, Readable, null, Readable];
  let peakMb = 0;
  const looking = setInterval(() => {
    peakMb = Math.max(peakMb, largest(child.pid ?? 0));
  }, LOOK_INTERVAL_MS);
  try {
    const [stdout, stderr, timed] = await Promise.all([text(out), text(remarks), text(times), once(child, "close")]);
    if (child.exitCode !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${child.exitCode}:\n${stderr}`);
    const [wall = 0, user = 0, system = 0] = timed.trim().split(" ").map(Number);
    return { wallMs: wall * 1000, cpuMs: (user + system) * 1000, peakMb, stdout };
  } finally {
    clearInterval(looking);
  }
}

/** 0 where the process has ended in between. */
function largest(pid: number): number {
  try {
    return Math.max(...processTree(pid).map((one) => memoryOf(one).peakMb));
  } catch {
    return 0;
  }
}
