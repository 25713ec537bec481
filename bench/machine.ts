/** On what was measured: hardware, kernel, versions, and how busy it was with other things. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";

export interface MeasuringMachine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly virtual: boolean;
}

export function measuringMachine(): MeasuringMachine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(readFileSync("/proc/cpuinfo", "latin1")),
  };
}

/** Load averages of 1 and 5 minutes. */
export type LoadAverage = readonly [number, number];

export function loadAverage(): LoadAverage {
  const [one, five] = readFileSync("/proc/loadavg", "latin1").split(" ");
  return [Number(one), Number(five)];
}

/** What all processors together have worked since the start of the machine, in milliseconds. */
export function processorsBusyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}
