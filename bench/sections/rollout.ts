/** A rollout over thousands of simulated machines, on a clock that runs faster for them and for the operator alike. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { ApiClient } from "../../test/control-plane/api-client.ts";
import { kubectlApply } from "../../test/control-plane/kubectl.ts";
import { createNamespace } from "../../test/control-plane/namespace.ts";
import { Fleet } from "../../test/fleet/fleet.ts";
import { scaledClock } from "../../test/fleet/scaled-clock.ts";
import { fleetService, peerSpkiAt } from "../../test/fleet/service.ts";
import { makeRegistration } from "../../test/operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../test/operator/operator-process.ts";
import { buildOsImage, imageReference, pushImage, startRegistry } from "../../test/registry/index.ts";
import { createFleet } from "../../test/software-tpm/index.ts";
import { InventoryWrites, writeRequests, writesSince, type ReasonCounts } from "../api-writes.ts";
import { measurePlanning, type PlanningFigures, type PlanningPlan } from "../planning-events.ts";
import { cpuMs, memoryOf, type ProcessMemory } from "../process-figures.ts";
import { BUNDLE, type Stage } from "../stage.ts";

export interface RolloutPlan {
  readonly machines: number;
  readonly concurrency: number;
  /** Mean of what a node takes, on the fleet's clock, without what the agent waits for. */
  readonly nodeMs: number;
  /** How many seconds pass on the fleet's clock, and on the operator's, in one. */
  readonly factor: number;
  readonly nodeLabels: number;
  readonly seed: number;
  /** How long the fleet lives without a rollout before one, in milliseconds: for comparison. */
  readonly idleMs: number;
  readonly planning: PlanningPlan;
}

/** Of a time in which the fleet lived with one operator. */
export interface FleetFigures {
  readonly seconds: number;
  /** On the fleet's clock. */
  readonly fleetSeconds: number;
  readonly operatorCpuMs: number;
  readonly controlPlaneCpuMs: number;
  readonly fleetCpuMs: number;
  readonly requests: number;
  readonly broken: number;
  /** Stored, and refused, by resource. */
  readonly writes: Readonly<Record<string, { readonly stored: number; readonly refused: number }>>;
  /** Of the versions of MachineInventories, by what they changed. */
  readonly inventoryWrites: ReasonCounts;
}

export interface RolloutReport {
  readonly plan: RolloutPlan;
  readonly joinSeconds: number;
  readonly idle: FleetFigures;
  readonly rollout: FleetFigures;
  /** Mean of what the agents say that their upgrades took, in seconds on the fleet's clock. */
  readonly nodeSeconds: number;
  /** Duration against machines / concurrency x node time. */
  readonly ratio: number;
  readonly mostDown: number;
  readonly memory: { readonly joined: ProcessMemory; readonly most: ProcessMemory; readonly rested: ProcessMemory };
  readonly planning: readonly PlanningFigures[];
}

const NAMESPACE = "fleet-local";
const RESOURCES = ["machineinventories", "managedosimages", "events", "secrets", "machineregistrations", "configmaps"];
const JOINS_IN_FLIGHT = 24;
const POLL_MS = 1_000;
const SAY_EVERY_MS = 15_000;
const REST_MS = 20_000;
/** The first asks are spread over so long, on the fleet's clock. */
const SPREAD_MS = 60_000;

type Say = (line: string) => void;

export async function measureRollout(stage: Stage, plan: RolloutPlan, say: Say): Promise<RolloutReport> {
  const planning = await measurePlanning(plan.planning, say);
  const registry = await startRegistry({ folder: `${stage.folder}/registry` });
  const clock = scaledClock({ epochMs: Date.now(), factor: plan.factor });
  try {
    await pushImage(registry, "os", "v1", buildOsImage({ release: "IMAGE=v1\n", upgradeScript: "#!/bin/sh\n" }));
    await createNamespace(stage.controlPlane, NAMESPACE);
    const operator = await startOperator({
      folder: stage.folder,
      kubeconfigPath: stage.controlPlane.kubeconfigPath,
      rights: "given",
      namespace: NAMESPACE,
      watchNamespace: NAMESPACE,
      script: BUNDLE,
      flags: [`--insecure-registry=${registry.host}`],
      clock,
    });
    try {
      const figures = await rollOut(
        stage,
        operator,
        { plan, clock, osImage: imageReference(registry, "os", "v1") },
        say,
      );
      return { plan, ...figures, planning };
    } finally {
      await operator.stop();
    }
  } finally {
    await registry.stop();
  }
}

interface Course {
  readonly plan: RolloutPlan;
  readonly clock: ReturnType<typeof scaledClock>;
  readonly osImage: string;
}

async function rollOut(
  stage: Stage,
  operator: OperatorProcess,
  { plan, clock, osImage }: Course,
  say: Say,
): Promise<Omit<RolloutReport, "plan" | "planning">> {
  const api = new ApiClient(stage.controlPlane, stage.controlPlane);
  const service = fleetService(() => [operator.httpUrl], await peerSpkiAt(operator.httpsUrl));
  const { token } = await makeRegistration(stage.controlPlane, NAMESPACE, "all");
  say(`making ${plan.machines} TPMs`);
  const labels = Object.fromEntries(
    Array.from({ length: plan.nodeLabels }, (_, at) => [`example.com/label-${at}`, `value-${at}`]),
  );
  const fleet = new Fleet({
    size: plan.machines,
    seed: plan.seed,
    clock,
    service,
    tpms: createFleet(plan.machines),
    token,
    nodeMs: plan.nodeMs,
    nodeLabels: (number) => ({ ...labels, "kubernetes.io/hostname": `node-${number}` }),
  });
  try {
    const beganMs = performance.now();
    await fleet.join(JOINS_IN_FLIGHT, (count) => {
      if (count % 1_000 === 0) say(`${count} machines have joined`);
    });
    const joinSeconds = (performance.now() - beganMs) / 1_000;
    fleet.start(fleet.machines, SPREAD_MS);
    await sleep((SPREAD_MS * 2) / plan.factor);
    const writes = await InventoryWrites.follow(api, NAMESPACE);
    const meter = new Meter(stage, operator, { service, writes, clock });
    say("they live without a rollout");
    const idle = await meter.during(() => sleep(plan.idleMs));
    const joined = memoryOf(operator.pid);
    let most = joined;
    const rollout = await meter.during(async () => {
      await kubectlApply(stage.controlPlane, imageObject(osImage, plan));
      await untilComplete(api, fleet, plan, (line) => {
        const memory = memoryOf(operator.pid);
        if (memory.rssMb > most.rssMb) most = memory;
        if (line !== undefined) say(`${line}, ${Math.round(memory.rssMb)} MB`);
      });
    });
    await fleet.stop();
    await writes.stop();
    await sleep(REST_MS);
    const taken = fleet.machines.flatMap(({ history }) => history.map((one) => one.endedMs - one.startedMs));
    const nodeSeconds = taken.reduce((sum, ms) => sum + ms, 0) / taken.length / 1_000;
    const ratio = rollout.fleetSeconds / ((plan.machines / plan.concurrency) * nodeSeconds);
    const memory = { joined, most, rested: memoryOf(operator.pid) };
    return { joinSeconds, idle, rollout, nodeSeconds, ratio, mostDown: fleet.mostDown, memory };
  } finally {
    await fleet.stop();
    await Promise.all([service.close(), api.close()]);
  }
}

function imageObject(osImage: string, { concurrency }: RolloutPlan): object {
  return {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "ManagedOSImage",
    metadata: { name: "os", namespace: NAMESPACE },
    spec: { osImage, concurrency, drain: { force: true } },
  };
}

async function untilComplete(
  api: ApiClient,
  fleet: Fleet,
  plan: RolloutPlan,
  onLook: (line: string | undefined) => void,
): Promise<void> {
  const path = `/apis/rancheros.cattle.io/v1/namespaces/${NAMESPACE}/managedosimages/os`;
  for (let saidMs = 0; ;) {
    await sleep(POLL_MS);
    if (fleet.failure !== undefined) throw new Error("a machine has ended", { cause: fleet.failure });
    const { status = {} } = (await api.get(path)) as ManagedOSImage;
    const isTime = performance.now() - saidMs >= SAY_EVERY_MS;
    if (isTime) saidMs = performance.now();
    onLook(isTime ? lineOf(status, fleet) : undefined);
    if (status.state === "Halted" || (status.failed ?? 0) > 0) {
      throw new Error(`the rollout has stopped: ${JSON.stringify(status.failures?.slice(0, 3))}`);
    }
    if (status.state === "Complete" && status.updated === plan.machines) return;
  }
}

function lineOf({ state, updated, updating, pending }: ManagedOSImageStatus, fleet: Fleet): string {
  return `${state}: ${updated} updated, ${updating} updating, ${pending} pending, ${fleet.downCount} down`;
}

interface MeterParts {
  readonly service: ReturnType<typeof fleetService>;
  readonly writes: InventoryWrites;
  readonly clock: Course["clock"];
}

class Meter {
  readonly #stage: Stage;
  readonly #operator: OperatorProcess;
  readonly #parts: MeterParts;

  constructor(stage: Stage, operator: OperatorProcess, parts: MeterParts) {
    this.#stage = stage;
    this.#operator = operator;
    this.#parts = parts;
  }

  async during(work: () => Promise<unknown>): Promise<FleetFigures> {
    const before = await this.#look();
    await work();
    const after = await this.#look();
    const writes = Object.fromEntries(writesSince(before.requestsMade, after.requestsMade));
    const inventoryWrites = {
      upgrade: after.inventory.upgrade - before.inventory.upgrade,
      attestation: after.inventory.attestation - before.inventory.attestation,
      node: after.inventory.node - before.inventory.node,
      seen: after.inventory.seen - before.inventory.seen,
      other: after.inventory.other - before.inventory.other,
    };
    const seconds = (after.atMs - before.atMs) / 1_000;
    return {
      seconds,
      fleetSeconds: seconds * this.#parts.clock.factor,
      operatorCpuMs: after.operatorCpuMs - before.operatorCpuMs,
      controlPlaneCpuMs: after.controlPlaneCpuMs - before.controlPlaneCpuMs,
      fleetCpuMs: after.fleetCpuMs - before.fleetCpuMs,
      requests: after.answered - before.answered,
      broken: after.broken - before.broken,
      writes,
      inventoryWrites,
    };
  }

  async #look() {
    const { service, writes } = this.#parts;
    const controlPlane = this.#stage.controlPlanePids().map((pid) => cpuMs(pid));
    return {
      atMs: performance.now(),
      operatorCpuMs: cpuMs(this.#operator.pid),
      controlPlaneCpuMs: controlPlane.reduce((sum, ms) => sum + ms, 0),
      fleetCpuMs: cpuMs(process.pid),
      ...service.counts,
      requestsMade: await writeRequests(this.#stage.access, RESOURCES),
      inventory: writes.counts(),
    };
  }
}
