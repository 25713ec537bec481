/** One run of a load, and what it cost whom; the medians of several. */
import { writeRequests, writesSince } from "./api-writes.ts";
import type { LoadResult } from "./load/worker.ts";
import { cpuMs, memoryOf } from "./process-figures.ts";
import type { Stage } from "./stage.ts";
import { median, quantile } from "./statistics.ts";

const INVENTORIES = "machineinventories";

export interface LoadFigures {
  readonly perSecond: number;
  /** CPU milliseconds a machine: of the operator, of API server and etcd together, of the client. */
  readonly operatorCpuMs: number;
  readonly controlPlaneCpuMs: number;
  readonly clientCpuMs: number;
  /** That the API server has stored a machine. */
  readonly writes: number;
  /** Resident memory of the operator when all was done. */
  readonly operatorMb: number;
  /** From dial to config, or from request to answer. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

export interface ProtocolFigures extends LoadFigures {
  /** Median over the rounds: of two rates that were measured one after the other. */
  readonly shareOfRaw: number;
}

export interface Run extends Omit<LoadFigures, "latencyMs"> {
  readonly latenciesMs: readonly number[];
}

export interface Load {
  /** Of the operator that is measured. */
  readonly operatorPid: number;
  readonly clientPid: number;
  readonly count: number;
  readonly go: () => Promise<LoadResult>;
}

/** CPU counts until nothing is left to do: an operator may have given the last machine its answer, and go on. */
export async function timedLoad(stage: Stage, { operatorPid, clientPid, count, go }: Load): Promise<Run> {
  const groups = [[operatorPid], stage.controlPlanePids(), [clientPid]];
  const spent = (): number[] => groups.map((pids) => pids.reduce((sum, pid) => sum + cpuMs(pid), 0));
  const writesBefore = await writeRequests(stage.access, [INVENTORIES]);
  await stage.settle(operatorPid, clientPid);
  const before = spent();
  const { durationMs, latenciesMs } = await go();
  await stage.settle(operatorPid, clientPid);
  const after = spent();
  const [operatorCpuMs = 0, controlPlaneCpuMs = 0, clientCpuMs = 0] = after.map(
    (ms, group) => (ms - (before[group] ?? 0)) / count,
  );
  const writes = writesSince(writesBefore, await writeRequests(stage.access, [INVENTORIES])).get(INVENTORIES);
  return {
    perSecond: (count / durationMs) * 1000,
    operatorCpuMs,
    controlPlaneCpuMs,
    clientCpuMs,
    writes: (writes?.stored ?? 0) / count,
    operatorMb: memoryOf(operatorPid).rssMb,
    latenciesMs,
  };
}

/** @param runs  at least one */
export function figuresOf(runs: readonly Run[]): LoadFigures {
  const latencies = runs.flatMap((run) => run.latenciesMs).sort((a, b) => a - b);
  const middle = (pick: (run: Run) => number): number => median(runs.map(pick));
  return {
    perSecond: middle((run) => run.perSecond),
    operatorCpuMs: middle((run) => run.operatorCpuMs),
    controlPlaneCpuMs: middle((run) => run.controlPlaneCpuMs),
    clientCpuMs: middle((run) => run.clientCpuMs),
    writes: middle((run) => run.writes),
    operatorMb: middle((run) => run.operatorMb),
    latencyMs: { p50: quantile(latencies, 0.5), p95: quantile(latencies, 0.95), p99: quantile(latencies, 0.99) },
  };
}

/** @param raw  as many runs, each from the same round */
export function besideRaw(runs: readonly Run[], raw: readonly Run[]): ProtocolFigures {
  const shares = runs.map(({ perSecond }, round) => perSecond / (raw[round]?.perSecond ?? Number.NaN));
  return { ...figuresOf(runs), shareOfRaw: median(shares) };
}
