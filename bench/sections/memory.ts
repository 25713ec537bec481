/** What the operator holds, and how long it takes to be ready: without machines, with many, and after many came at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { createFleet } from "../../test/software-tpm/index.ts";
import type { OperatorProcess } from "../../test/operator/operator-process.ts";
import type { StoredInventory } from "../inventories.ts";
import { Machines } from "../machines.ts";
import { cpuMs, memoryOf, type ProcessMemory } from "../process-figures.ts";
import { sampleSmbios, type SmbiosSize } from "../sample-smbios.ts";
import type { Stage } from "../stage.ts";
import { median } from "../statistics.ts";

export interface MemoryPlan {
  readonly inventories: number;
  /** That register at an operator with so many inventories, 10 at once, before it is looked at again. */
  readonly visitors: number;
  readonly starts: number;
  /** How long the operator is left alone before it is looked at. */
  readonly restMs: number;
  readonly smbios: SmbiosSize;
  /** Of each inventory; the operator keeps those of the node and of the object alike. */
  readonly labels: number;
}

/** Medians over the starts. */
export interface StartFigures {
  readonly inventories: number;
  /** From the start of the process until /readyz says yes, and the operator's CPU until then. */
  readonly readyMs: number;
  readonly readyCpuMs: number;
  readonly memory: ProcessMemory;
}

export interface MemoryReport {
  readonly smbiosJsonBytes: number;
  readonly restMs: number;
  readonly starts: readonly StartFigures[];
  /** Right after the last visitor, and when it was left alone again. */
  readonly visited: { readonly visitors: number; readonly atOnce: ProcessMemory; readonly rested: ProcessMemory };
}

const READY_POLL_MS = 5;
const READY_TIMEOUT_MS = 120_000;

export async function measureMemory(
  stage: Stage,
  plan: MemoryPlan,
  say: (line: string) => void,
): Promise<MemoryReport> {
  const fleet = createFleet(plan.visitors).toJson();
  say("the operator without inventories");
  const empty = await measureStarts(stage, plan, 0);
  say(`making ${plan.inventories} inventories`);
  await withMachines(stage, fleet, plan, async (machines) =>
    machines.makeResidents(withLabels(await machines.pattern(), plan.labels), 0, plan.inventories),
  );
  say(`the operator with ${plan.inventories} inventories`);
  const full = await measureStarts(stage, plan, plan.inventories);
  say(`${plan.visitors} machines visit it`);
  const visited = await withMachines(stage, fleet, plan, async (machines) => {
    await (await machines.prepareVisits("http", { first: 0, count: plan.visitors, inFlight: 10 })).go();
    const atOnce = memoryOf(machines.operator.pid);
    await sleep(plan.restMs);
    return { visitors: plan.visitors, atOnce, rested: memoryOf(machines.operator.pid) };
  });
  const smbiosJsonBytes = JSON.stringify(sampleSmbios("00000000", plan.smbios)).length;
  return { smbiosJsonBytes, restMs: plan.restMs, starts: [empty, full], visited };
}

function withLabels(pattern: StoredInventory, count: number): StoredInventory {
  const more = Array.from({ length: count }, (_, at) => [`example.com/label-${at}`, `value-${at}`]);
  const labels = { ...pattern.metadata.labels, ...(Object.fromEntries(more) as Record<string, string>) };
  return { ...pattern, metadata: { ...pattern.metadata, labels } };
}

async function withMachines<Result>(
  stage: Stage,
  fleet: ReturnType<ReturnType<typeof createFleet>["toJson"]>,
  plan: MemoryPlan,
  work: (machines: Machines) => Promise<Result>,
): Promise<Result> {
  const operator = await stage.startOperator();
  try {
    await untilReady(operator);
    const machines = await Machines.meet(stage, operator, fleet, plan.smbios);
    try {
      return await work(machines);
    } finally {
      await machines.leave();
    }
  } finally {
    await operator.stop();
  }
}

async function measureStarts(stage: Stage, plan: MemoryPlan, inventories: number): Promise<StartFigures> {
  const starts: Omit<StartFigures, "inventories">[] = [];
  for (let count = 0; count < plan.starts; count += 1) {
    await stage.settle();
    const startedMs = performance.now();
    const operator = await stage.startOperator();
    try {
      await untilReady(operator);
      const readyMs = performance.now() - startedMs;
      const readyCpuMs = cpuMs(operator.pid);
      await sleep(plan.restMs);
      starts.push({ readyMs, readyCpuMs, memory: memoryOf(operator.pid) });
    } finally {
      await operator.stop();
    }
  }
  const middle = (pick: (start: (typeof starts)[number]) => number): number => median(starts.map(pick));
  return {
    inventories,
    readyMs: middle((start) => start.readyMs),
    readyCpuMs: middle((start) => start.readyCpuMs),
    memory: {
      rssMb: middle(({ memory }) => memory.rssMb),
      anonymousMb: middle(({ memory }) => memory.anonymousMb),
      peakMb: middle(({ memory }) => memory.peakMb),
    },
  };
}

async function untilReady(operator: OperatorProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!(await operator.isReady())) {
    if (performance.now() > deadlineMs) throw new Error(`the operator is not ready:\n${operator.log()}`);
    await sleep(READY_POLL_MS);
  }
}
