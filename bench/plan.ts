/** How much is measured: enough for medians that come out the same again, or just enough to see that it works. */
import type { RegistrationPlan } from "./registration-cells.ts";
import type { AgentPlan } from "./sections/agent.ts";
import type { DrainPlan } from "./sections/drain.ts";
import type { HostilePlan } from "./sections/hostile.ts";
import type { MemoryPlan } from "./sections/memory.ts";
import type { OneMachinePlan } from "./sections/one-machine.ts";
import type { RolloutPlan } from "./sections/rollout.ts";

/** 13 KB of JSON, as a real two-socket server has. */
const SMBIOS = { memoryModules: 16 };

export interface Plan {
  readonly hashRuns: number;
  readonly agent: AgentPlan;
  readonly oneMachine: OneMachinePlan;
  readonly registrations: RegistrationPlan;
  readonly memory: MemoryPlan;
  readonly drain: DrainPlan;
  readonly hostile: HostilePlan;
  readonly rollout: RolloutPlan;
}

/** Half an hour or so on two cores. */
export const PLAN: Plan = {
  hashRuns: 15,
  agent: { starts: 9, idleMs: 8_000 },
  oneMachine: { runs: 9, conversations: 100, smbios: SMBIOS },
  registrations: {
    listeners: ["http", "https"],
    residents: [0, 10_000],
    loads: [
      { inFlight: 1, machines: 300 },
      { inFlight: 10, machines: 1_200 },
      { inFlight: 50, machines: 1_200 },
    ],
    rounds: 3,
    warmUp: 3_000,
    goMachines: 600,
    smbios: SMBIOS,
  },
  drain: { pods: 200, budgets: [0, 20], runs: 5 },
  memory: { inventories: 10_000, visitors: 2_000, starts: 3, restMs: 20_000, smbios: SMBIOS, labels: 20 },
  hostile: { connections: 500, machines: 50, atOnce: 10, rounds: 9 },
  rollout: {
    machines: 10_000,
    concurrency: 500,
    nodeMs: 165_000,
    factor: 4,
    fastest: 10,
    nodeLabels: 20,
    seed: 1,
    arriveMs: 900_000,
    idleMs: 30_000,
    planning: { machines: [100, 1_000, 10_000], concurrency: 20, events: 1_000, batches: 9, nodeLabels: 20 },
  },
};

export const QUICK_PLAN: Plan = {
  hashRuns: 3,
  agent: { starts: 2, idleMs: 3_000 },
  oneMachine: { runs: 2, conversations: 20, smbios: SMBIOS },
  registrations: {
    listeners: ["http", "https"],
    residents: [0],
    loads: [{ inFlight: 10, machines: 300 }],
    rounds: 1,
    warmUp: 300,
    goMachines: 300,
    smbios: SMBIOS,
  },
  drain: { pods: 200, budgets: [0, 20], runs: 1 },
  memory: { inventories: 1_000, visitors: 200, starts: 1, restMs: 3_000, smbios: SMBIOS, labels: 20 },
  hostile: { connections: 500, machines: 50, atOnce: 10, rounds: 3 },
  rollout: {
    machines: 200,
    concurrency: 20,
    nodeMs: 60_000,
    factor: 4,
    fastest: 10,
    nodeLabels: 20,
    seed: 1,
    arriveMs: 60_000,
    idleMs: 5_000,
    planning: { machines: [100, 1_000], concurrency: 20, events: 200, batches: 3, nodeLabels: 20 },
  },
};
