/** A rollout over thousands of simulated machines, on a clock that runs faster for them and for the operator alike. */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../test/control-plane/api-client.ts";
import { kubectlApply } from "../../test/control-plane/kubectl.ts";
import { createNamespace } from "../../test/control-plane/namespace.ts";
import { Fleet } from "../../test/fleet/fleet.ts";
import { scaledClock, type ScaledClock } from "../../test/fleet/scaled-clock.ts";
import { fleetService, peerSpkiAt } from "../../test/fleet/service.ts";
import { makeRegistration } from "../../test/operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../test/operator/operator-process.ts";
import { buildOsImage, imageReference, pushImage, startRegistry } from "../../test/registry/index.ts";
import { createFleet } from "../../test/software-tpm/index.ts";
import { InventoryWrites } from "../api-writes.ts";
import { FleetMeter, type FleetFigures } from "../fleet-meter.ts";
import { FleetPace } from "../fleet-pace.ts";
import { measurePlanning, type PlanningFigures, type PlanningPlan } from "../planning-events.ts";
import { untilComplete } from "../rollout-watch.ts";
import { memoryOf, type ProcessMemory } from "../process-figures.ts";
import { BUNDLE, type Stage } from "../stage.ts";

export interface RolloutPlan {
  readonly machines: number;
  readonly concurrency: number;
  /** Mean of what a node takes, on the fleet's clock, without what the agent waits for. */
  readonly nodeMs: number;
  /** How many seconds pass on the fleet's clock, and on the operator's, in one: at first, and at most. */
  readonly factor: number;
  readonly fastest: number;
  readonly nodeLabels: number;
  readonly seed: number;
  /** So long they arrive, on the fleet's clock: evenly, and with a quarter of an hour their sessions end evenly as well. */
  readonly arriveMs: number;
  /** How long the fleet lives without a rollout before one, in milliseconds: for comparison. */
  readonly idleMs: number;
  readonly planning: PlanningPlan;
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
const IMAGES = `/apis/rancheros.cattle.io/v1/namespaces/${NAMESPACE}/managedosimages`;
const SAY_EVERY_MS = 15_000;
const REST_MS = 20_000;
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
  readonly clock: ScaledClock;
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
  const { fastest } = plan;
  const pace = new FleetPace({ clock, operator, service, controlPlanePids: () => stage.controlPlanePids(), fastest });
  try {
    const beganMs = performance.now();
    await arrived(fleet, plan, pace, say);
    const joinSeconds = (performance.now() - beganMs) / 1_000;
    const writes = await InventoryWrites.follow(api, NAMESPACE);
    const meter = new FleetMeter(stage, operator, { service, writes, clock, pace });
    say("they live without a rollout");
    const idle = await meter.during(() => sleep(plan.idleMs));
    const joined = memoryOf(operator.pid);
    let most = joined;
    const rollout = await meter.during(async () => {
      await kubectlApply(stage.controlPlane, imageObject(osImage, plan));
      await untilComplete({ api, path: `${IMAGES}/os`, fleet, plan, clock, pace }, (line) => {
        const memory = memoryOf(operator.pid);
        if (memory.rssMb > most.rssMb) most = memory;
        if (line !== undefined) say(`${line}; ${Math.round(memory.rssMb)} MB`);
      });
    });
    pace.stop();
    await fleet.stop();
    await writes.stop();
    await sleep(REST_MS);
    const taken = fleet.machines.flatMap(({ history }) => history.map((one) => one.endedMs - one.startedMs));
    const nodeSeconds = taken.reduce((sum, ms) => sum + ms, 0) / taken.length / 1_000;
    const ratio = rollout.fleetSeconds / ((plan.machines / plan.concurrency) * nodeSeconds);
    const memory = { joined, most, rested: memoryOf(operator.pid) };
    return { joinSeconds, idle, rollout, nodeSeconds, ratio, mostDown: fleet.mostDown, memory };
  } finally {
    pace.stop();
    await fleet.stop();
    await Promise.all([service.close(), api.close()]);
  }
}

async function arrived(fleet: Fleet, { machines, arriveMs }: RolloutPlan, pace: FleetPace, say: Say): Promise<void> {
  let joined = 0;
  const progress = setInterval(() => say(`${joined} of ${machines} have joined; ${pace.line()}`), SAY_EVERY_MS);
  try {
    await fleet.arrive(arriveMs, (count) => {
      joined = count;
    });
  } finally {
    clearInterval(progress);
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
