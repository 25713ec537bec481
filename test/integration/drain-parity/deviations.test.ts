/** The deviations of DEVIATIONS that no outcome shows, one by one. */
import { drainNode, drainOptions, type DrainError, type DrainEvent } from "@rancheros/agent/drain";
import { connectKubernetes, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { COMBINATIONS, drainSpec, TIMEOUT_SECONDS, type Combination } from "../../drain-parity/combinations.ts";
import { runKubectlDrain, type KubectlRun } from "../../drain-parity/kubectl-drain.ts";
import { ApiClient } from "../../control-plane/api-client.ts";
import type { KubectlTarget } from "../../control-plane/kubectl.ts";
import { inventName, removeNamespace } from "../../control-plane/namespace.ts";
import { startKubelets, type Pod } from "../../kubelets/index.ts";
import { prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import {
  placePopulation,
  settlePopulations,
  type PlacedPopulation,
  type PlacingTools,
} from "../../drain-parity/place-population.ts";
import type { BudgetPlan, GroupPlan } from "../../drain-parity/population.ts";

/** kubectl's first chance to look at the clock is 5 s after the first attempt. */
const SILENCE_MS = 9_000;
const COMBINATION: Combination = { ...COMBINATIONS[0]!, timeoutSeconds: TIMEOUT_SECONDS };

const { binariesFolder } = inject("controlPlane");
let ground: ParityGround;

beforeAll(async () => {
  ground = await prepareParityGround(binariesFolder);
});
afterAll(async () => ground?.stop());

interface Drained {
  readonly events: readonly DrainEvent[];
  readonly error: DrainError | undefined;
}

async function drainOurs(agent: KubernetesClient, node: string): Promise<Drained> {
  const events: DrainEvent[] = [];
  const request = {
    nodeName: node,
    options: drainOptions(drainSpec(COMBINATION)),
    dryRun: "server" as const,
    signal: AbortSignal.timeout(60_000),
    onEvent: (event: DrainEvent) => void events.push(event),
  };
  try {
    await drainNode(agent, request);
    return { events, error: undefined };
  } catch (error) {
    return { events, error: error as DrainError };
  }
}

function drainKubectls(target: KubectlTarget, node: string, endlessAfterMs?: number): Promise<KubectlRun> {
  const late = endlessAfterMs === undefined ? {} : { endlessAfterMs };
  return runKubectlDrain(target, {
    nodes: [node],
    combination: COMBINATION,
    dryRun: true,
    user: node,
    ...late,
  });
}

async function place(
  tools: PlacingTools,
  owner: GroupPlan["owner"],
  budget: BudgetPlan,
  name: string,
): Promise<PlacedPopulation> {
  const group = { app: "app0", owner, tier: "front" as const, emptyDir: false, states: ["ready" as const] };
  return placePopulation(tools, { groups: [group], budgets: [budget], cordonedBefore: false }, name);
}

test("the timeout ends our pause between two attempts, and not kubectl's", async () => {
  const held = await place(ground, "ReplicaSet", { over: 0, minAvailable: 1 }, "pause");
  await settlePopulations(ground, [held]);
  const order: string[] = [];
  const [ours, run] = await Promise.all([
    drainOurs(ground.agent, held.node).finally(() => order.push("ours")),
    drainKubectls(ground.controlPlane, held.node).finally(() => order.push("kubectl")),
  ]);
  expect(order).toEqual(["ours", "kubectl"]);
  expect(ours.error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
  expect(ours.error?.message).toContain("held by the PodDisruptionBudget pause/budget0");
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("global timeout reached: 4s");
});

test("under a budget that was never counted ours names it and ends in time, while kubectl is silent", async () => {
  // Nobody counts in the control plane that all tests share: it has no disruption controller.
  const shared = inject("controlPlane");
  const name = inventName("uncounted");
  const client = new ApiClient(shared, shared);
  const kubelets = await startKubelets(shared, { prefix: name });
  const agent = await connectKubernetes({ path: shared.kubeconfigPath, hostRoot: "/nonexistent" });
  try {
    const { node } = await place({ client, kubelets }, "ReplicaSet", { over: 0, maxUnavailable: 1 }, name);
    const running = (pods: readonly Pod[]): boolean => pods.some(({ status }) => status.phase === "Running");
    await kubelets.untilPods("it runs", running);
    const [ours, run] = await Promise.all([drainOurs(agent, node), drainKubectls(shared, node, SILENCE_MS)]);
    expect(ours.error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
    expect(ours.error?.message).toContain(`held by the PodDisruptionBudget ${name}/budget0`);
    expect(ours.events).toContainEqual(expect.objectContaining({ kind: "blocked", retryInMs: 10_000 }));
    expect(run.exitCode).toBeUndefined();
    expect(run.stdout).toContain(`evicting pod ${name}/app0-0`);
    expect(run.stderr).toBe("");
  } finally {
    agent.close();
    await kubelets.stop();
    await client.close();
    await removeNamespace(shared, name);
  }
});
