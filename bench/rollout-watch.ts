/** Waits for the end of a rollout, says how far it is, and ends the wait where nothing goes on any more. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { ApiClient } from "../test/control-plane/api-client.ts";
import type { Fleet } from "../test/fleet/fleet.ts";
import type { ScaledClock } from "../test/fleet/scaled-clock.ts";
import type { FleetPace } from "./fleet-pace.ts";

export interface Watched {
  readonly api: ApiClient;
  /** Of the ManagedOSImage. */
  readonly path: string;
  readonly fleet: Fleet;
  readonly plan: { readonly machines: number; readonly nodeMs: number };
  readonly clock: ScaledClock;
  readonly pace: FleetPace;
}

const POLL_MS = 1_000;
const SAY_EVERY_MS = 15_000;
/** Without a machine that comes to its end in so long, on both clocks, nothing goes on any more. */
const STUCK_MS = 180_000;
const STUCK_NODE_TIMES = 4;
/** Looks that fail one after the other: a busy API server answers late, and a run of half an hour bears that. */
const MISSED_MOST = 10;

/** @param onLook  once a second; now and then with a line for whoever waits */
export async function untilComplete(watched: Watched, onLook: (line: string | undefined) => void): Promise<void> {
  const { fleet, plan, pace } = watched;
  const isStuck = createStuckJudge(watched);
  let missed = 0;
  for (let saidMs = 0; ;) {
    await sleep(POLL_MS);
    const failure = fleet.failure ?? pace.failure;
    if (failure !== undefined) throw new Error("a machine, or the pace, has ended", { cause: failure });
    const status = await statusOf(watched).catch((error: unknown) => {
      missed += 1;
      if (missed >= MISSED_MOST) throw error;
    });
    if (status === undefined) continue;
    missed = 0;
    const line = `${lineOf(status, fleet)}; ${pace.line()}`;
    const isTime = performance.now() - saidMs >= SAY_EVERY_MS;
    if (isTime) saidMs = performance.now();
    onLook(isTime ? line : undefined);
    if (isDone(status, plan.machines)) return;
    if (isStuck(status.updated ?? 0)) throw new Error(`nothing goes on any more: ${line}`);
  }
}

async function statusOf({ api, path }: Watched): Promise<ManagedOSImageStatus> {
  return ((await api.get(path)) as ManagedOSImage).status ?? {};
}

/** @throws where a machine has failed: then it does not take what a rollout without failures takes */
function isDone({ state, failed = 0, failures, updated }: ManagedOSImageStatus, machines: number): boolean {
  if (state === "Halted" || failed > 0) {
    throw new Error(`the rollout has stopped: ${JSON.stringify(failures?.slice(0, 3))}`);
  }
  return state === "Complete" && updated === machines;
}

function createStuckJudge({ clock, plan }: Watched): (updated: number) => boolean {
  let last = { updated: 0, atMs: performance.now(), fleetMs: clock.nowMs() };
  return (updated) => {
    if (updated > last.updated) last = { updated, atMs: performance.now(), fleetMs: clock.nowMs() };
    const isLate = performance.now() - last.atMs > STUCK_MS;
    return isLate && clock.nowMs() - last.fleetMs > STUCK_NODE_TIMES * plan.nodeMs;
  };
}

function lineOf({ state, updated, updating, pending }: ManagedOSImageStatus, fleet: Fleet): string {
  return `${state}: ${updated} updated, ${updating} updating, ${pending} pending, ${fleet.downCount} down`;
}
