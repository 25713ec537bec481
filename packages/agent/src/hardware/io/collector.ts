/**
 * Runs the process that asks for the hardware: bounded in time and output. A process, because systeminformation starts
 * programs and waits for some of them with the whole thread; only from outside can such a wait be ended.
 */
import { fileURLToPath } from "node:url";
import { execa } from "execa";

import { HardwareError } from "../errors.ts";

export interface CollectorCall {
  /** Program and arguments: prints JSON. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A machine with a thousand disks stays below. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const STDERR_TAIL_CHARACTERS = 600;

/** In the sources and in the bundle it lies beside this file. A single binary gives a command of its own. */
export function collectorCommand(): readonly [string, ...string[]] {
  const isSource = import.meta.url.endsWith(".ts");
  return [process.execPath, fileURLToPath(new URL(`print-hardware.${isSource ? "ts" : "js"}`, import.meta.url))];
}

/**
 * @returns what the process printed, parsed
 * @throws HardwareError  HARDWARE_UNREADABLE, HARDWARE_TIMED_OUT, HARDWARE_INTERRUPTED, HARDWARE_NONSENSE
 */
export async function runCollector(call: CollectorCall): Promise<unknown> {
  const [program, ...args] = call.command;
  // What it starts belongs to its group, so that a hanging lsblk or nmcli ends with it. And out of reach of a
  // terminal's Ctrl-C, which has to come by the signal.
  const running = execa(program, args, {
    stdin: "ignore",
    env: { LC_ALL: "C", NODE_OPTIONS: "" },
    maxBuffer: MAX_OUTPUT_BYTES,
    reject: false,
    detached: true,
    forceKillAfterDelay: false,
  });
  const ending = Promise.withResolvers<never>();
  const end = (error: HardwareError): void => {
    killGroup(running.pid);
    // Not only killed: whatever left the group may hold the output open.
    ending.reject(error);
  };
  const onAbort = (): void => {
    end(new HardwareError("HARDWARE_INTERRUPTED", "reading the hardware was broken off"));
  };
  const timer = setTimeout(() => end(timedOut(call.timeoutMs)), call.timeoutMs);
  call.signal.addEventListener("abort", onAbort, { once: true });
  if (call.signal.aborted) onAbort();
  try {
    const result = await Promise.race([ending.promise, running]);
    if (result.failed) killGroup(running.pid);
    if (result.isMaxBuffer) {
      throw new HardwareError("HARDWARE_NONSENSE", "the system told far more than a machine can have");
    }
    if (result.failed) throw died(result);
    return parse(result.stdout);
  } finally {
    clearTimeout(timer);
    call.signal.removeEventListener("abort", onAbort);
  }
}

function timedOut(timeoutMs: number): HardwareError {
  return new HardwareError("HARDWARE_TIMED_OUT", `the hardware was not read within ${timeoutMs} ms`, {
    details: { timeoutMs },
  });
}

function died(result: {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly stderr: string;
  readonly cause?: unknown;
}): HardwareError {
  const { exitCode, signal, stderr, cause } = result;
  const how =
    exitCode === undefined
      ? signal === undefined
        ? "cannot be started"
        : `was ended by ${signal}`
      : `ended with ${exitCode}`;
  return new HardwareError("HARDWARE_UNREADABLE", `the process that reads the hardware ${how}`, {
    cause,
    details: { stderr: stderr.slice(-STDERR_TAIL_CHARACTERS) },
  });
}

function parse(printed: string): unknown {
  try {
    return JSON.parse(printed);
  } catch (cause) {
    throw new HardwareError("HARDWARE_NONSENSE", "what the system told about its hardware is not JSON", { cause });
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of them are gone already.
  }
}
