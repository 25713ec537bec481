/** How many machines a second can register, beside how many objects a second the same API server takes from one client. */
import { createFleet } from "../../test/software-tpm/index.ts";
import type { StoredInventory } from "../inventories.ts";
import type { LoadResult } from "../load/worker.ts";
import { Machines, type Listener } from "../machines.ts";
import { cpuMs } from "../process-figures.ts";
import { sampleSmbios, type SmbiosSize } from "../sample-smbios.ts";
import type { Stage } from "../stage.ts";
import { median, quantile } from "../statistics.ts";

export interface RegistrationPlan {
  readonly listeners: readonly Listener[];
  /** Inventories that are there before the machines come, ascending. */
  readonly residents: readonly number[];
  /** How many at once, and how many in one run. */
  readonly loads: readonly { readonly inFlight: number; readonly machines: number }[];
  readonly rounds: number;
  /** That register before anything is measured: by then all hot code is compiled. */
  readonly warmUp: number;
  readonly smbios: SmbiosSize;
}

export interface LoadFigures {
  readonly perSecond: number;
  /** CPU milliseconds a machine: of the operator, of API server and etcd together, of the client. */
  readonly operatorCpuMs: number;
  readonly controlPlaneCpuMs: number;
  readonly clientCpuMs: number;
  /** From dial to config, or from request to answer. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

interface Cell {
  readonly listener: Listener;
  readonly residents: number;
  readonly inFlight: number;
  readonly machines: number;
  readonly rounds: number;
}

export interface ProtocolFigures extends LoadFigures {
  /** Median over the rounds: of two rates that were measured one after the other. */
  readonly shareOfRaw: number;
}

export interface RegistrationFigures extends Cell {
  /** By rancherd's protocol, and by the attestation protocol. */
  readonly registrations: ProtocolFigures;
  readonly attestations: ProtocolFigures;
  readonly rawCreates: LoadFigures;
}

export interface RegistrationReport {
  readonly smbiosJsonBytes: number;
  /** Of an operator that has just started, nothing of it compiled. */
  readonly coldStart: { readonly machines: number; readonly operatorCpuMs: number };
  readonly figures: readonly RegistrationFigures[];
}

const COLD_MACHINES = 200;

export async function measureRegistrations(
  stage: Stage,
  plan: RegistrationPlan,
  say: (line: string) => void,
): Promise<RegistrationReport> {
  const most = Math.max(plan.warmUp, ...plan.loads.map(({ machines }) => machines));
  say(`making the keys of ${most} software TPMs`);
  const fleet = createFleet(most).toJson();
  const operator = await stage.startOperator();
  await operator.waitReady();
  const machines = await Machines.meet(stage, operator, fleet, plan.smbios);
  try {
    const coldStart = await measureColdStart(machines);
    const pattern = await machines.pattern();
    say(`warming up with ${plan.warmUp} machines`);
    await warmUp(machines, pattern, plan);
    const figures: RegistrationFigures[] = [];
    let present = 0;
    for (const residents of plan.residents) {
      if (residents > present) {
        say(`making ${residents - present} inventories that stay`);
        await machines.makeResidents(pattern, present, residents - present);
        present = residents;
      }
      for (const cell of cellsOf(plan, residents)) {
        const found = await compare(machines, pattern, cell);
        const { registrations, attestations } = found;
        const rates = `rancherd's protocol ${rateOf(registrations)}; attestation ${rateOf(attestations)}`;
        say(`${cell.listener}, ${residents} present, ${cell.inFlight} in flight: ${rates}`);
        figures.push(found);
      }
    }
    return { smbiosJsonBytes: JSON.stringify(sampleSmbios("00000000", plan.smbios)).length, coldStart, figures };
  } finally {
    await machines.leave();
    await operator.stop();
  }
}

function rateOf({ perSecond, operatorCpuMs }: LoadFigures): string {
  return `${perSecond.toFixed(0)} a second, ${operatorCpuMs.toFixed(2)} ms of the operator each`;
}

function cellsOf(plan: RegistrationPlan, residents: number): readonly Cell[] {
  return plan.listeners.flatMap((listener) =>
    plan.loads.map((load) => ({ ...load, listener, residents, rounds: plan.rounds })),
  );
}

async function measureColdStart(machines: Machines): Promise<RegistrationReport["coldStart"]> {
  const visits = await machines.prepareVisits("http", { first: 0, count: COLD_MACHINES, inFlight: 10 });
  const before = cpuMs(machines.operator.pid);
  await visits.go();
  const operatorCpuMs = (cpuMs(machines.operator.pid) - before) / COLD_MACHINES;
  await machines.clear(COLD_MACHINES);
  return { machines: COLD_MACHINES, operatorCpuMs };
}

async function warmUp(machines: Machines, pattern: StoredInventory, plan: RegistrationPlan): Promise<void> {
  const count = Math.ceil(plan.warmUp / plan.listeners.length);
  const crowd = { first: 0, count, inFlight: 10 };
  for (const listener of plan.listeners) {
    await (await machines.prepareVisits(listener, crowd)).go();
    await machines.clear(count);
    await (await machines.prepareAttestedVisits(listener, crowd)).go();
    await machines.clear(count);
  }
  await (await machines.prepareCreates(pattern, crowd)).go();
  await machines.clearRaw(count);
}

/** One run of a load. */
interface Run extends Omit<LoadFigures, "latencyMs"> {
  readonly latenciesMs: readonly number[];
}

async function compare(machines: Machines, pattern: StoredInventory, cell: Cell): Promise<RegistrationFigures> {
  const legacy: Run[] = [];
  const attested: Run[] = [];
  const raw: Run[] = [];
  const crowd = { first: 0, count: cell.machines, inFlight: cell.inFlight };
  for (let round = 0; round < cell.rounds; round += 1) {
    const creates = await machines.prepareCreates(pattern, crowd);
    raw.push(await timed(machines, creates.go, machines.creating.pid, cell.machines));
    await machines.clearRaw(cell.machines);
    const visits = await machines.prepareVisits(cell.listener, crowd);
    legacy.push(await timed(machines, visits.go, machines.registering.pid, cell.machines));
    await machines.clear(cell.machines);
    const attestedVisits = await machines.prepareAttestedVisits(cell.listener, crowd);
    attested.push(await timed(machines, attestedVisits.go, machines.attesting.pid, cell.machines));
    await machines.clear(cell.machines);
  }
  return {
    ...cell,
    registrations: besideRaw(legacy, raw),
    attestations: besideRaw(attested, raw),
    rawCreates: figuresOf(raw),
  };
}

function besideRaw(runs: readonly Run[], raw: readonly Run[]): ProtocolFigures {
  const shares = runs.map(({ perSecond }, round) => perSecond / (raw[round]?.perSecond ?? Number.NaN));
  return { ...figuresOf(runs), shareOfRaw: median(shares) };
}

async function timed(
  { stage, operator }: Machines,
  go: () => Promise<LoadResult>,
  clientPid: number,
  count: number,
): Promise<Run> {
  const groups = [[operator.pid], stage.controlPlanePids(), [clientPid]];
  const spent = (): number[] => groups.map((pids) => pids.reduce((sum, pid) => sum + cpuMs(pid), 0));
  await stage.settle(operator.pid, clientPid);
  const before = spent();
  const { durationMs, latenciesMs } = await go();
  const after = spent();
  const [operatorCpuMs = 0, controlPlaneCpuMs = 0, clientCpuMs = 0] = after.map(
    (ms, group) => (ms - (before[group] ?? 0)) / count,
  );
  return { perSecond: (count / durationMs) * 1000, operatorCpuMs, controlPlaneCpuMs, clientCpuMs, latenciesMs };
}

function figuresOf(runs: readonly Run[]): LoadFigures {
  const latencies = runs.flatMap((run) => run.latenciesMs).sort((a, b) => a - b);
  const middle = (pick: (run: Run) => number): number => median(runs.map(pick));
  return {
    perSecond: middle((run) => run.perSecond),
    operatorCpuMs: middle((run) => run.operatorCpuMs),
    controlPlaneCpuMs: middle((run) => run.controlPlaneCpuMs),
    clientCpuMs: middle((run) => run.clientCpuMs),
    latencyMs: { p50: quantile(latencies, 0.5), p95: quantile(latencies, 0.95), p99: quantile(latencies, 0.99) },
  };
}
