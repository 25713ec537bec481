/** What the kernel says about a process (proc(5)): CPU time spent, memory held. */
import { readFileSync } from "node:fs";

/** What a USER_HZ tick is on every Linux that Node runs on. */
const TICK_MS = 10;

export interface ProcessMemory {
  readonly rssMb: number;
  /** Of it, what no file backs: heap, stacks, buffers. The rest is the executable, which the kernel may drop. */
  readonly anonymousMb: number;
  /** The most that it ever had. */
  readonly peakMb: number;
}

/** User and system time of all its threads, without its children. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold blanks; what follows it begins with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return { rssMb: field(status, "VmRSS"), anonymousMb: field(status, "RssAnon"), peakMb: field(status, "VmHWM") };
}

/** The process and all that it started and that still run. */
export function processTree(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  return [pid, ...(children === "" ? [] : children.split(" ").flatMap((child) => processTree(Number(child))))];
}

function field(status: string, name: string): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return Number(kilobytes ?? 0) / 1024;
}
