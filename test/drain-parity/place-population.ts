/** Makes populations at the API server, and waits until their pods are as planned and their budgets are counted. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../control-plane/api-client.ts";
import { isReady, type Kubelets, type Node, type Pod } from "../kubelets/index.ts";
import { inTurns } from "./parity-ground.ts";
import type { PodState, Population } from "./population.ts";
import { budgetObjects, ownerObject, podObjects, type Place, type PlannedPod } from "./population-objects.ts";

/** So long that nobody lives to see its end. */
const LONG_GRACE_SECONDS = 86_400;
const SETTLE_POLL_MS = 500;
const SETTLE_TIMEOUT_MS = 60_000;

export interface PlacedPopulation extends Place {
  readonly population: Population;
  readonly pods: readonly PlannedPod[];
}

export interface PlacingTools {
  readonly client: ApiClient;
  readonly kubelets: Kubelets;
}

const PLACED_AT_ONCE = 8;

/** In namespaces p0, p1 and so on; resolves when all is as planned. */
export async function placePopulations(
  tools: PlacingTools,
  populations: readonly Population[],
): Promise<readonly PlacedPopulation[]> {
  const placed = await inTurns(populations, PLACED_AT_ONCE, async (population, index) =>
    placePopulation(tools, population, `p${index}`),
  );
  await settlePopulations(tools, placed);
  return placed;
}

/** @param name  of the namespace, and suffix of the node's name */
export async function placePopulation(
  { client, kubelets }: PlacingTools,
  population: Population,
  name: string,
): Promise<PlacedPopulation> {
  const [node] = await Promise.all([
    kubelets.addNode(name, { unschedulable: population.cordonedBefore }),
    client.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  ]);
  const { metadata } = (await client.get(`/api/v1/nodes/${node}`)) as Node;
  const place = { namespace: name, node, nodeUid: metadata.uid };
  const placed = await Promise.all(
    population.groups.map(async (group) => {
      const owner = ownerObject(group, name);
      const made = owner === undefined ? undefined : ((await client.create(...owner)) as Node);
      const pods = podObjects(group, place, made?.metadata.uid);
      await Promise.all(pods.map(async ({ object }) => client.create(`/api/v1/namespaces/${name}/pods`, object)));
      return pods;
    }),
  );
  for (const budget of budgetObjects(population, name)) {
    await client.create(`/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`, budget);
  }
  return { ...place, population, pods: placed.flat() };
}

/** Waits for the kubelets' part, puts those pods into deletion that shall be, then waits for the disruption controller. */
export async function settlePopulations(tools: PlacingTools, placed: readonly PlacedPopulation[]): Promise<void> {
  const planned = new Map(
    placed.flatMap(({ namespace, pods }) => pods.map((pod) => [`${namespace}/${pod.name}`, pod])),
  );
  await tools.kubelets.untilPods(
    "all pods are as planned",
    (pods) => {
      const done = pods.filter(({ metadata, spec, ...pod }) => {
        const plan = planned.get(`${metadata.namespace}/${metadata.name}`);
        return plan !== undefined && isAsPlanned({ metadata, spec, ...pod }, plan.state);
      });
      return done.length === planned.size;
    },
    SETTLE_TIMEOUT_MS,
  );
  for (const { namespace, pods } of placed) {
    for (const { name, state } of pods) {
      if (state !== "in-grace" && state !== "held") continue;
      const gracePeriodSeconds = state === "held" ? 0 : LONG_GRACE_SECONDS;
      await tools.client.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds });
    }
  }
  await untilBudgetsAreCounted(tools.client);
}

function isAsPlanned(pod: Pod, state: PodState): boolean {
  if (state === "succeeded") return pod.status.phase === "Succeeded";
  if (state === "failed") return pod.status.phase === "Failed";
  return pod.status.phase === "Running" && isReady(pod) === (state !== "unready");
}

interface Budget {
  readonly metadata: { readonly generation: number; readonly namespace: string; readonly name: string };
  readonly status: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly conditions?: readonly { readonly reason: string }[];
  };
}

/** Counted, and the same in three looks: the disruption controller gathers changes for a moment before it counts. */
async function untilBudgetsAreCounted(client: ApiClient): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
  let before = "";
  for (let same = 0; same < 3;) {
    await sleep(SETTLE_POLL_MS);
    const { items } = (await client.get("/apis/policy/v1/poddisruptionbudgets")) as { items: readonly Budget[] };
    const now = JSON.stringify(items.map(({ status }) => status.disruptionsAllowed));
    const waiting = items.filter((budget) => !isCounted(budget) && !isUncountable(budget));
    same = waiting.length === 0 && now === before ? same + 1 : 0;
    before = now;
    if (performance.now() < deadlineMs) continue;
    throw new Error(`the disruption controller does not come to an end: ${JSON.stringify(waiting.slice(0, 3))}`);
  }
  await removeUncountable(client);
}

function isCounted({ metadata, status }: Budget): boolean {
  return status.observedGeneration === metadata.generation;
}

function isUncountable({ status }: Budget): boolean {
  return status.conditions?.some(({ reason }) => reason === "SyncFailed") ?? false;
}

/**
 * A budget with a percentage over pods whose controller has no scale may never be counted, if it is looked at when the
 * pods are there. An eviction under it is answered "ask again in 10 s", and kubectl's HTTP client does so ten times
 * without a word: deviations.test.ts looks at one.
 */
async function removeUncountable(client: ApiClient): Promise<void> {
  const { items } = (await client.get("/apis/policy/v1/poddisruptionbudgets")) as { items: readonly Budget[] };
  for (const { metadata, ...rest } of items) {
    if (isCounted({ metadata, ...rest })) continue;
    await client.delete(`/apis/policy/v1/namespaces/${metadata.namespace}/poddisruptionbudgets/${metadata.name}`);
  }
}
