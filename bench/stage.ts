/** What the measurements stand on: a control plane with our CRDs, the operator as it is shipped, one registration. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startControlPlane, type ControlPlane } from "../test/control-plane/control-plane.ts";
import { applyCrds } from "../test/control-plane/apply-crds.ts";
import { createNamespace } from "../test/control-plane/namespace.ts";
import { makeRegistration, type MadeRegistration } from "../test/operator/objects.ts";
import { startOperator, type OperatorProcess } from "../test/operator/operator-process.ts";
import { apiAccess, Inventories, type ApiAccess } from "./inventories.ts";
import { makeFolder, removeFolder } from "./folders.ts";
import { cpuMs } from "./process-figures.ts";

/** The operator as it is shipped. */
export const BUNDLE = fileURLToPath(new URL("../dist/rancheros-operator.mjs", import.meta.url));
/** Where the operator and its machines are. */
export const NAMESPACE = "bench";
/** Where objects are made that the operator does not watch: for what an API server does for its client alone. */
export const RAW_NAMESPACE = "raw";
/** Registration of the machines that come and go with each run. */
export const REGISTRATION = "bench";

/** In so long, a process that uses less than this does nothing; etcd and the API server have their own timers. */
const QUIET_INTERVAL_MS = 300;
const QUIET_CPU_MS = 20;
const QUIET_TIMEOUT_MS = 60_000;

export interface Stage {
  readonly folder: string;
  readonly controlPlane: ControlPlane;
  readonly access: ApiAccess;
  readonly inventories: Inventories;
  readonly rawInventories: Inventories;
  /** Starts the bundle, and does not wait until it is ready. */
  startOperator(): Promise<OperatorProcess>;
  /** The registration that machines come through; needs an operator that is ready. */
  register(): Promise<MadeRegistration>;
  /** Process ids of the API server and etcd. */
  controlPlanePids(): readonly number[];
  /** Waits until these, the API server and etcd have nothing left to do. */
  settle(...pids: readonly number[]): Promise<void>;
  stop(): Promise<void>;
}

export async function prepareStage(): Promise<Stage> {
  const folder = makeFolder("rancheros-bench-");
  const controlPlane = await startControlPlane({ folder }).catch((error: unknown) => {
    removeFolder(folder);
    throw error;
  });
  const access = apiAccess(controlPlane);
  const inventories = new Inventories(access, NAMESPACE);
  const rawInventories = new Inventories(access, RAW_NAMESPACE);
  async function stop(): Promise<void> {
    await Promise.all([inventories.close(), rawInventories.close()]);
    await controlPlane.stop();
    removeFolder(folder);
  }
  try {
    await applyCrds(controlPlane);
    for (const namespace of [NAMESPACE, RAW_NAMESPACE]) await createNamespace(controlPlane, namespace);
  } catch (error) {
    await stop();
    throw error;
  }
  const controlPlanePids = (): readonly number[] => {
    const { apiServer, etcd } = controlPlane.pids();
    return [apiServer ?? 0, etcd ?? 0];
  };
  return {
    folder,
    controlPlane,
    access,
    inventories,
    rawInventories,
    startOperator: () =>
      startOperator({
        folder,
        kubeconfigPath: controlPlane.kubeconfigPath,
        rights: "given",
        namespace: NAMESPACE,
        watchNamespace: NAMESPACE,
        script: BUNDLE,
        waitReady: false,
      }),
    register: () => makeRegistration(controlPlane, NAMESPACE, REGISTRATION),
    controlPlanePids,
    settle: (...pids) => settle([...pids, ...controlPlanePids()]),
    stop,
  };
}

/** Runs one section on a stage of its own. */
export async function onStage<Result>(work: (stage: Stage) => Promise<Result>): Promise<Result> {
  const stage = await prepareStage();
  try {
    return await work(stage);
  } finally {
    await stage.stop();
  }
}

async function settle(pids: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + QUIET_TIMEOUT_MS;
  const spent = (): number[] => pids.map((pid) => cpuMs(pid));
  for (let before = spent(); performance.now() < deadlineMs;) {
    await sleep(QUIET_INTERVAL_MS);
    const now = spent();
    if (now.every((ms, index) => ms - (before[index] ?? 0) <= QUIET_CPU_MS)) return;
    before = now;
  }
}
