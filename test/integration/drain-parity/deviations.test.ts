/** The deviations of DEVIATIONS that no outcome shows, one by one. */
import { drainNode, drainOptions, type DrainError, type DrainEvent } from "@rancheros/agent/drain";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { COMBINATIONS, drainSpec, TIMEOUT_SECONDS, type Combination } from "../../drain-parity/combinations.ts";
import { runKubectlDrain, type KubectlRun } from "../../drain-parity/kubectl-drain.ts";
import { prepareParityGround, type ParityGround } from "../../drain-parity/parity-ground.ts";
import { placePopulation, settlePopulations, type PlacedPopulation } from "../../drain-parity/place-population.ts";
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

async function drainOurs(node: string): Promise<Drained> {
  const events: DrainEvent[] = [];
  const request = {
    nodeName: node,
    options: drainOptions(drainSpec(COMBINATION)),
    dryRun: "server" as const,
    signal: AbortSignal.timeout(60_000),
    onEvent: (event: DrainEvent) => void events.push(event),
  };
  try {
    await drainNode(ground.agent, request);
    return { events, error: undefined };
  } catch (error) {
    return { events, error: error as DrainError };
  }
}

function drainKubectls(node: string, endlessAfterMs?: number): Promise<KubectlRun> {
  const late = endlessAfterMs === undefined ? {} : { endlessAfterMs };
  return runKubectlDrain(ground.controlPlane, {
    nodes: [node],
    combination: COMBINATION,
    dryRun: true,
    user: node,
    ...late,
  });
}

async function place(name: string, owner: GroupPlan["owner"], budget: BudgetPlan): Promise<PlacedPopulation> {
  const group = { app: "app0", owner, tier: "front" as const, emptyDir: false, states: ["ready" as const] };
  return placePopulation(ground, { groups: [group], budgets: [budget], cordonedBefore: false }, name);
}

test("the timeout ends our pause between two attempts, and not kubectl's", async () => {
  const held = await place("pause", "ReplicaSet", { over: 0, minAvailable: 1 });
  await settlePopulations(ground, [held]);
  const order: string[] = [];
  const [ours, run] = await Promise.all([
    drainOurs(held.node).finally(() => order.push("ours")),
    drainKubectls(held.node).finally(() => order.push("kubectl")),
  ]);
  expect(order).toEqual(["ours", "kubectl"]);
  expect(ours.error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
  expect(ours.error?.message).toContain("held by the PodDisruptionBudget pause/budget0");
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("global timeout reached: 4s");
});

test("under a budget that was never counted ours names it and ends in time, while kubectl is silent", async () => {
  const uncountable = await place("uncounted", "Kruise", { over: 0, maxUnavailable: 1 });
  await ground.kubelets.untilPods("it runs", (pods) =>
    pods.some(({ metadata, status }) => metadata.namespace === "uncounted" && status.phase === "Running"),
  );
  const [ours, run] = await Promise.all([drainOurs(uncountable.node), drainKubectls(uncountable.node, SILENCE_MS)]);
  expect(ours.error).toMatchObject({ code: "DRAIN_TIMED_OUT" });
  expect(ours.error?.message).toContain("held by the PodDisruptionBudget uncounted/budget0");
  expect(ours.events).toContainEqual(expect.objectContaining({ kind: "blocked", retryInMs: 10_000 }));
  expect(run.exitCode).toBeUndefined();
  expect(run.stdout).toContain("evicting pod uncounted/app0-0");
  expect(run.stderr).toBe("");
});
