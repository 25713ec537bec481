/** What the operator holds and how long it takes to be ready, with as many inventories as there are. */
import { setTimeout as sleep } from "node:timers/promises";
import { createFleet } from "../../test/software-tpm/index.ts";
import { Machines } from "../machines.ts";
import { memoryOf, type ProcessMemory } from "../process-figures.ts";
import type { SmbiosSize } from "../sample-smbios.ts";
import type { Stage } from "../stage.ts";

/** Long enough for the heap to give back what the first list took. */
const REST_MS = 15_000;

export interface MemoryFigures {
  readonly inventories: number;
  /** From the start of the process until /readyz says yes. */
  readonly readyMs: number;
  readonly memory: ProcessMemory;
}

async function measureFresh(stage: Stage, inventories: number): Promise<MemoryFigures> {
  const startedMs = performance.now();
  const operator = await stage.startOperator();
  try {
    await operator.waitReady();
    const readyMs = performance.now() - startedMs;
    await stage.settle(operator.pid);
    await sleep(REST_MS);
    return { inventories, readyMs, memory: memoryOf(operator.pid) };
  } finally {
    await operator.stop();
  }
}

/** A fresh operator with none, then a fresh one with `inventories`. */
export async function measureMemory(
  stage: Stage,
  inventories: number,
  smbios: SmbiosSize,
  say: (line: string) => void,
): Promise<readonly MemoryFigures[]> {
  const empty = await measureFresh(stage, 0);
  say(`making ${inventories} inventories`);
  const operator = await stage.startOperator();
  await operator.waitReady();
  const machines = await Machines.meet(stage, operator, createFleet(10).toJson(), smbios);
  try {
    await machines.makeResidents(await machines.pattern(), 0, inventories);
  } finally {
    await machines.leave();
    await operator.stop();
  }
  return [empty, await measureFresh(stage, inventories)];
}
