/** `ros-agent drain` of a node with many pods beside `kubectl drain` of its twin, both as whole processes. */
import path from "node:path";
import { ApiClient } from "../../test/control-plane/api-client.ts";
import { isReady, startKubelets, type Kubelets, type Pod } from "../../test/kubelets/index.ts";
import { measureCommand, type CommandFigures } from "../measure-command.ts";
import { RAW_NAMESPACE, type Stage } from "../stage.ts";
import { commandSpread, ROS_AGENT, type CommandSpread } from "../contestants.ts";

export interface DrainPlan {
  /** On each of the two nodes, divided among the budgets. */
  readonly pods: number;
  /** Numbers of PodDisruptionBudgets, which every eviction goes through; all let all go. */
  readonly budgets: readonly number[];
  readonly runs: number;
}

export interface DrainReport {
  readonly pods: number;
  /** How long a pod takes to end, by its kubelet. */
  readonly graceMs: number;
  readonly figures: readonly DrainFigures[];
}

export interface DrainFigures {
  readonly budgets: number;
  readonly rosAgent: CommandSpread;
  readonly kubectl: CommandSpread;
}

const GRACE_SECONDS = 30;
/** A pod ends after 0.3 s: what is measured is the drain, not the waiting. */
const GRACE_SCALE = 0.01;
const MADE_AT_ONCE = 8;
const BUDGET_TIMEOUT_MS = 30_000;
const FLAGS = ["--ignore-daemonsets", "--timeout=300s"];
const PODS = `/api/v1/namespaces/${RAW_NAMESPACE}/pods`;
const BUDGETS = `/apis/policy/v1/namespaces/${RAW_NAMESPACE}/poddisruptionbudgets`;

export async function measureDrain(stage: Stage, plan: DrainPlan, say: (line: string) => void): Promise<DrainReport> {
  const { controlPlane } = stage;
  await controlPlane.startControllerManager(["disruption-controller"]);
  const client = new ApiClient(controlPlane, controlPlane);
  const kubelets = await startKubelets(controlPlane, { prefix: "bench", graceScale: GRACE_SCALE });
  try {
    const figures: DrainFigures[] = [];
    for (const budgets of plan.budgets) {
      say(`two nodes with ${plan.pods} pods each under ${budgets} budgets`);
      figures.push(await measureUnder(budgets, { stage, client, kubelets, plan, say }));
    }
    return { pods: plan.pods, graceMs: GRACE_SECONDS * 1_000 * GRACE_SCALE, figures };
  } finally {
    await kubelets.stop();
    await client.close();
  }
}

interface Tools {
  readonly stage: Stage;
  readonly client: ApiClient;
  readonly kubelets: Kubelets;
  readonly plan: DrainPlan;
  readonly say: (line: string) => void;
}

async function measureUnder(budgets: number, { stage, client, kubelets, plan, say }: Tools): Promise<DrainFigures> {
  const { controlPlane } = stage;
  const kubectl = path.join(controlPlane.binariesFolder, "kubectl");
  const drainWith = async (program: string, node: string): Promise<CommandFigures> => {
    await stage.settle();
    const kubeconfig = `--kubeconfig=${controlPlane.kubeconfigPath}`;
    const figures = await measureCommand(program, ["drain", node, kubeconfig, ...FLAGS]);
    requireAllEvicted(program, figures.stdout, plan.pods);
    return figures;
  };
  const ours: CommandFigures[] = [];
  const kubectls: CommandFigures[] = [];
  // The first of each is not counted: it fills caches, the bundle's among them.
  for (let run = 0; run <= plan.runs; run += 1) {
    const first = await kubelets.addNode(`${budgets}-${run}-a`);
    const second = await kubelets.addNode(`${budgets}-${run}-b`);
    await populate(client, kubelets, { pods: plan.pods, budgets }, [first, second]);
    const our = await drainWith(ROS_AGENT, first);
    const their = await drainWith(kubectl, second);
    const seconds = [our, their].map(({ wallMs }) => (wallMs / 1_000).toFixed(1));
    // kubectl asks for five evictions a second: whoever waits for minutes is to see that it goes on.
    say(`${run === 0 ? "not counted" : `${run} of ${plan.runs}`}: ros-agent ${seconds[0]} s, kubectl ${seconds[1]} s`);
    if (run === 0) continue;
    ours.push(our);
    kubectls.push(their);
  }
  return { budgets, rosAgent: commandSpread(ours), kubectl: commandSpread(kubectls) };
}

/** Both nodes have the same pods; each budget is over its share of both. */
async function populate(
  client: ApiClient,
  kubelets: Kubelets,
  { pods, budgets }: { readonly pods: number; readonly budgets: number },
  nodes: readonly string[],
): Promise<void> {
  const shares = Array.from({ length: budgets }, (_, index) => `share-${nodes[0]}-${index}`);
  for (const app of shares) await client.create(BUDGETS, budgetObject(app));
  const todo = nodes.flatMap((node) => Array.from({ length: pods }, (_, index) => ({ node, index })));
  await Promise.all(
    Array.from({ length: MADE_AT_ONCE }, async () => {
      for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
        const app = shares[next.index % budgets] ?? "none";
        await client.create(PODS, podObject(next.node, next.index, app));
      }
    }),
  );
  const there = (some: readonly Pod[]): boolean =>
    some.filter((pod) => nodes.includes(pod.spec.nodeName ?? "") && isReady(pod)).length === pods * nodes.length;
  await kubelets.untilPods("all pods are Ready", there);
  await untilBudgetsAllow(client, shares);
}

interface Budget {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status: { readonly observedGeneration?: number; readonly disruptionsAllowed: number };
}

async function untilBudgetsAllow(client: ApiClient, names: readonly string[]): Promise<void> {
  const deadlineMs = performance.now() + BUDGET_TIMEOUT_MS;
  for (;;) {
    const { items } = (await client.get(BUDGETS)) as { items: readonly Budget[] };
    const ours = items.filter(({ metadata }) => names.includes(metadata.name));
    if (ours.every(({ status }) => status.disruptionsAllowed > 0)) return;
    if (performance.now() > deadlineMs) throw new Error("the disruption controller does not count the budgets");
  }
}

function budgetObject(app: string): object {
  const spec = { minAvailable: 0, selector: { matchLabels: { app } } };
  return { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: app }, spec };
}

/** Its ReplicaSet is not there: nobody makes an evicted pod again, so that each run meets the same cluster. */
function podObject(node: string, index: number, app: string): object {
  const replicaSet = { apiVersion: "apps/v1", kind: "ReplicaSet", name: app, controller: true };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${node}-${index}`,
      labels: { app },
      ownerReferences: [{ ...replicaSet, uid: "00000000-0000-4000-8000-000000000000" }],
    },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      containers: [{ name: "app", image: "registry.example.com/app:1" }],
    },
  };
}

/** A drain that leaves pods behind is no faster one. */
function requireAllEvicted(program: string, stdout: string, pods: number): void {
  const evicted = new Set(stdout.match(/^pod\/\S+ evicted$/gm));
  if (evicted.size !== pods) throw new Error(`${program} evicted ${evicted.size} of ${pods} pods`);
}
