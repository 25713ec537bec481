/**
 * Runs the process that asks for the hardware: bounded in time and output. A process, because systeminformation starts
 * programs and waits for some of them with the whole thread; only from outside can such a wait be ended.
 */
import path from "node:path";

import { ownProcess, startProgram, type ProgramEnding } from "../../programs/index.ts";
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

/** print-hardware.ts beside this file, or this program itself. */
export function collectorCommand(): readonly [string, ...string[]] {
  return ownProcess("print-hardware", import.meta.dirname, path.extname(import.meta.filename));
}

/**
 * @returns what the process printed, parsed
 * @throws HardwareError  HARDWARE_UNREADABLE, HARDWARE_TIMED_OUT, HARDWARE_INTERRUPTED, HARDWARE_NONSENSE
 */
export async function runCollector(call: CollectorCall): Promise<unknown> {
  const [program, ...args] = call.command;
  const running = startProgram({
    program,
    args,
    environment: { ...process.env, LC_ALL: "C", NODE_OPTIONS: "" },
    maxOutputBytes: MAX_OUTPUT_BYTES,
    // A hanging lsblk or lscpu ends with it; and a terminal's Ctrl-C has to come by the signal.
    ownGroup: true,
  });
  const broken = Promise.withResolvers<never>();
  const end = (error: HardwareError): void => {
    running.kill("SIGKILL");
    // Who waits in the kernel does not end even so, and is not to keep this process.
    running.abandon();
    broken.reject(error);
  };
  const onAbort = (): void => {
    end(new HardwareError("HARDWARE_INTERRUPTED", "reading the hardware was broken off"));
  };
  const timer = setTimeout(() => end(timedOut(call.timeoutMs)), call.timeoutMs);
  call.signal.addEventListener("abort", onAbort, { once: true });
  if (call.signal.aborted) onAbort();
  try {
    return parse(printed(await Promise.race([broken.promise, running.ending])));
  } catch (error) {
    // What it has started may be there still.
    running.kill("SIGKILL");
    throw error;
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

/** @throws HardwareError where it did not end well */
function printed(ending: ProgramEnding): string {
  if (ending.kind === "flooded") {
    throw new HardwareError("HARDWARE_NONSENSE", "the system told far more than a machine can have");
  }
  if (ending.kind === "not-started") throw died("cannot be started", "", ending.cause);
  const lastWords = ending.stderr.toString("utf8").trimEnd().slice(-STDERR_TAIL_CHARACTERS);
  if (ending.kind === "killed") throw died(`was ended by ${ending.signal}`, lastWords);
  if (ending.exitCode !== 0) throw died(`ended with ${ending.exitCode}`, lastWords);
  return ending.stdout.toString("utf8");
}

function died(how: string, stderr: string, cause?: unknown): HardwareError {
  return new HardwareError("HARDWARE_UNREADABLE", `the process that reads the hardware ${how}`, {
    cause,
    details: { stderr },
  });
}

function parse(printed: string): unknown {
  try {
    return JSON.parse(printed);
  } catch (cause) {
    throw new HardwareError("HARDWARE_NONSENSE", "what the system told about its hardware is not JSON", { cause });
  }
}
