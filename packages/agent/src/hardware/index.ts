/** What this machine is made of, as far as the running system can tell. */
import { hardwareOf, type Hardware } from "./hardware.ts";
import { collectorCommand, runCollector } from "./io/collector.ts";

export interface ReadHardwareOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Program and arguments that print what io/print-hardware.ts prints; default is that, in a Node process. */
  readonly collector?: readonly [program: string, ...args: string[]];
}

/**
 * Asks the running system; takes a fraction of a second on a healthy one.
 * @throws HardwareError  HARDWARE_UNREADABLE, HARDWARE_TIMED_OUT, HARDWARE_INTERRUPTED, HARDWARE_NONSENSE
 */
export async function readHardware(options: ReadHardwareOptions): Promise<Hardware> {
  const { timeoutMs, signal, collector = collectorCommand() } = options;
  return hardwareOf(await runCollector({ command: collector, timeoutMs, signal }));
}

export { HARDWARE_ERRORS, HardwareError } from "./errors.ts";
export type { HardwareErrorCode } from "./errors.ts";
export type { Cpu, Disk, Hardware, Memory, NetworkInterface } from "./hardware.ts";
