/** A real kube-controller-manager beside the API server: evicted pods come back, PDBs count, namespaces empty themselves. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { adminClient } from "./admin-client.ts";
import type { KubectlTarget } from "./kubectl.ts";
import { TetheredProcess } from "./tethered-process.ts";

/**
 * What a drain and a rollout meet. Not among them: the node lifecycle controller, which would declare simulated nodes
 * dead, and everything that talks to a cloud or to disks.
 */
export const CONTROLLERS = [
  "disruption-controller",
  "replicaset-controller",
  "statefulset-controller",
  "daemonset-controller",
  "deployment-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "garbage-collector-controller",
] as const;

/** What real kubelets and kube-proxies need beside: taints that go, addresses behind Services, the CA in every namespace. */
export const NODE_CONTROLLERS = [
  "node-lifecycle-controller",
  "endpointslice-controller",
  "root-ca-certificate-publisher-controller",
] as const;

export type Controller = (typeof CONTROLLERS)[number] | (typeof NODE_CONTROLLERS)[number];

const BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const POLL_INTERVAL_MS = 50;
const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 5_000;

export interface ControllerManagerOptions extends KubectlTarget {
  readonly folder: string;
  /** With the disruption controller among them: its work tells that they are ready. */
  readonly controllers: readonly Controller[];
  /** Further command line flags. */
  readonly flags: readonly string[];
}

/** Starts it; resolves when its controllers work, which takes about 2 s. */
export async function startControllerManager(options: ControllerManagerOptions): Promise<ControllerManager> {
  const manager = new TetheredProcess({
    name: "kube-controller-manager",
    executable: path.join(options.binariesFolder, "kube-controller-manager"),
    folder: options.folder,
    args: [
      `--kubeconfig=${options.kubeconfigPath}`,
      `--controllers=${options.controllers.join(",")}`,
      "--leader-elect=false",
      // No port: nobody asks it for metrics.
      "--secure-port=0",
      // Its defaults (20 requests a second) are for clusters that pods come to by the hour.
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
      "--profiling=false",
      ...options.flags,
    ],
  });
  try {
    await waitUntilItWorks(options, manager);
  } catch (error) {
    await manager.kill();
    throw error;
  }
  return new ControllerManager(manager);
}

export class ControllerManager {
  readonly #process: TetheredProcess;

  constructor(process: TetheredProcess) {
    this.#process = process;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How it ended when it did so by itself. */
  get unexpectedEnding(): string | undefined {
    return this.#process.running ? undefined : tell(this.#process);
  }

  async stop(): Promise<void> {
    await this.#process.stop(STOP_GRACE_MS);
  }
}

function tell(process: TetheredProcess): string {
  return `${process.name} ${process.ending}; its last lines:\n${process.lastLines()}`;
}

/** One controller's work is looked at: all of them start together, when the first list of every kind is there. */
async function waitUntilItWorks(options: ControllerManagerOptions, manager: TetheredProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  const look = await workFor(options);
  while (!(await look())) {
    if (!manager.running) throw new Error(tell(manager));
    if (performance.now() > deadlineMs) {
      throw new Error(`kube-controller-manager did no work in ${READY_TIMEOUT_MS} ms:\n${manager.lastLines()}`);
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

/** Makes an object that a controller has to do something about. @returns whether that has been done */
async function workFor(options: ControllerManagerOptions): Promise<() => Promise<boolean>> {
  const name = `controllers-${randomBytes(4).toString("hex")}`;
  const budget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name, namespace: "default" } };
  const selector = { matchLabels: { [name]: "" } };
  const client = await adminClient(options);
  await client.create(BUDGETS, { ...budget, spec: { maxUnavailable: 0, selector } });
  return async () => {
    const { status } = (await client.get(`${BUDGETS}/${name}`)) as { status?: { observedGeneration?: number } };
    if (status?.observedGeneration !== 1) return false;
    await client.delete(`${BUDGETS}/${name}`);
    return true;
  };
}
