/** A node of the shared control plane for one test: its pods, and what a kubelet does when they are deleted. */
import { connectKubernetes, isMap, listAll, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { setTimeout as sleep } from "node:timers/promises";
import { inventName } from "../control-plane/namespace.ts";
import type { KubectlTarget } from "../control-plane/kubectl.ts";

const KUBELET_PERIOD_MS = 100;

export interface PodOptions {
  readonly phase?: "Running" | "Succeeded" | "Failed" | "Pending";
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly emptyDir?: boolean;
  /** Default: a ReplicaSet that nobody looks for. */
  readonly controller?: { readonly apiVersion: string; readonly kind: string; readonly name: string } | "none";
  readonly notReady?: boolean;
  readonly graceSeconds?: number;
}

export interface TestNode {
  readonly name: string;
  readonly client: KubernetesClient;
  /** @returns its UID */
  addPod(namespace: string, name: string, options?: PodOptions): Promise<string>;
  /** As its DisruptionController would leave it. */
  addBudget(namespace: string, name: string, app: string, disruptionsAllowed: number): Promise<void>;
  allow(namespace: string, name: string, disruptionsAllowed: number): Promise<void>;
  /** Names of the pods on it. */
  pods(): Promise<readonly string[]>;
  isCordoned(): Promise<boolean>;
  /** From now on pods that are deleted end. */
  startKubelet(): void;
  close(): Promise<void>;
}

/** @param labels  of the Node */
export async function makeTestNode(
  target: KubectlTarget,
  labels: Readonly<Record<string, string>> = {},
): Promise<TestNode> {
  const name = inventName("node");
  const client = await connectKubernetes({ path: target.kubeconfigPath, hostRoot: "/nonexistent" });
  const controller = new AbortController();
  const { signal } = controller;
  let kubelet: Promise<void> = Promise.resolve();
  await client.send({
    method: "POST",
    path: "/api/v1/nodes",
    body: { apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.io/os": "linux", ...labels } } },
    signal,
  });

  const listPods = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    listAll(client, {
      path: "/api/v1/pods",
      query: { fieldSelector: `spec.nodeName=${name}` },
      signal: AbortSignal.timeout(10_000),
      parseItem: (item) => (isMap(item) && isMap(item["metadata"]) ? item["metadata"] : {}),
    });
  const forceDelete = async (pod: Readonly<Record<string, unknown>>): Promise<void> => {
    const path = `/api/v1/namespaces/${String(pod["namespace"])}/pods/${String(pod["name"])}`;
    const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions: { uid: pod["uid"] } };
    await client.send({ method: "DELETE", path, body, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  };
  const actAsKubelet = async (): Promise<void> => {
    while (!signal.aborted) {
      // It outlives the API server's absence, as a kubelet does.
      const pods = await listPods().catch(() => []);
      const ending = pods.filter(({ deletionTimestamp }) => deletionTimestamp !== undefined);
      for (const pod of ending) await forceDelete(pod);
      await sleep(KUBELET_PERIOD_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const setBudget = (namespace: string, budget: string, disruptionsAllowed: number): Promise<unknown> =>
    client.send({
      method: "PATCH",
      path: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${budget}/status`,
      contentType: "application/merge-patch+json",
      body: {
        status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
      },
      signal,
    });

  return {
    name,
    client,
    async addPod(namespace, pod, options = {}) {
      const made = await client.send({
        method: "POST",
        path: `/api/v1/namespaces/${namespace}/pods`,
        body: podObject(name, pod, options),
        signal,
      });
      const { phase = "Running" } = options;
      const isReady = phase === "Running" && options.notReady !== true;
      const status = { phase, conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] };
      await client.send({
        method: "PATCH",
        path: `/api/v1/namespaces/${namespace}/pods/${pod}/status`,
        contentType: "application/strategic-merge-patch+json",
        body: { status },
        signal,
      });
      return isMap(made) && isMap(made["metadata"]) ? String(made["metadata"]["uid"]) : "";
    },
    async addBudget(namespace, budget, app, disruptionsAllowed) {
      await client.send({
        method: "POST",
        path: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
        body: {
          apiVersion: "policy/v1",
          kind: "PodDisruptionBudget",
          metadata: { name: budget },
          spec: { minAvailable: 1, selector: { matchLabels: { app } } },
        },
        signal,
      });
      await setBudget(namespace, budget, disruptionsAllowed);
    },
    async allow(namespace, budget, disruptionsAllowed) {
      await setBudget(namespace, budget, disruptionsAllowed);
    },
    async pods() {
      return (await listPods()).map((pod) => String(pod["name"])).sort();
    },
    async isCordoned() {
      const node = await client.send({ method: "GET", path: `/api/v1/nodes/${name}`, signal });
      return isMap(node) && isMap(node["spec"]) && node["spec"]["unschedulable"] === true;
    },
    startKubelet() {
      kubelet = actAsKubelet();
    },
    async close() {
      controller.abort();
      await kubelet;
      const ofThisTest = AbortSignal.timeout(10_000);
      for (const pod of await listPods()) {
        const path = `/api/v1/namespaces/${String(pod["namespace"])}/pods/${String(pod["name"])}`;
        const body = { metadata: { finalizers: null } };
        const contentType = "application/merge-patch+json";
        await client.send({ method: "PATCH", path, body, contentType, signal: ofThisTest }).catch(() => undefined);
        await forceDelete(pod);
      }
      await client.send({ method: "DELETE", path: `/api/v1/nodes/${name}`, signal: ofThisTest });
      client.close();
    },
  };
}

function podObject(nodeName: string, name: string, options: PodOptions): object {
  const { labels, annotations, finalizers, emptyDir = false, graceSeconds = 30 } = options;
  const { controller = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "some" } } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(controller === "none"
        ? {}
        : { ownerReferences: [{ ...controller, controller: true, uid: "00000000-0000-4000-8000-000000000000" }] }),
    },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: graceSeconds,
      containers: [{ name: "main", image: "none" }],
      ...(emptyDir ? { volumes: [{ name: "scratch", emptyDir: {} }] } : {}),
    },
  };
}
