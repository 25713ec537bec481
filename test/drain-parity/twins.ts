/** Two nodes with the same population: kubectl drains one, ours the other, and nothing is left to tell them apart. */
import type { ApiClient } from "../control-plane/api-client.ts";
import type { Node, Pod } from "../kubelets/index.ts";
import { asSet, type Outcome } from "./outcome.ts";
import { placePopulation, type PlacedPopulation, type PlacingTools } from "./place-population.ts";
import type { PodState, Population } from "./population.ts";

export interface Twins {
  readonly kubectls: PlacedPopulation;
  readonly ours: PlacedPopulation;
  /** Pods of which a budget lets some go and not all: which ones go first is chance, with kubectl as with ours. */
  readonly contested: ReadonlySet<string>;
}

/** What is there after a drain. */
export interface Aftermath {
  readonly unschedulable: boolean;
  /** "app0-1", "app0-2 in deletion" */
  readonly pods: readonly string[];
}

export async function placeTwins(tools: PlacingTools, population: Population, name: string): Promise<Twins> {
  const [kubectls, ours] = await Promise.all([
    placePopulation(tools, population, `${name}-kubectl`),
    placePopulation(tools, population, `${name}-ours`),
  ]);
  return { kubectls, ours, contested: new Set() };
}

interface Budget {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> } };
  readonly status: {
    readonly disruptionsAllowed: number;
    readonly desiredHealthy: number;
    readonly expectedPods: number;
  };
}

/**
 * Finds the contested pods once the budgets are counted. Where the pods of a contested budget are not all alike, chance
 * would decide more than which one goes: such a budget is taken from both twins.
 */
export async function withContested(client: ApiClient, twins: Twins): Promise<Twins> {
  const contested = new Set<string>();
  const { pods } = twins.ours;
  const budgets = `/apis/policy/v1/namespaces/${twins.ours.namespace}/poddisruptionbudgets`;
  const { items } = (await client.get(budgets)) as { items: readonly Budget[] };
  for (const { metadata, spec, status } of items) {
    if (spec.selector === undefined) continue;
    const app = spec.selector.matchLabels?.["app"];
    const covered = pods.filter(({ name }) => app === undefined || name.startsWith(`${app}-`));
    const kinds = new Set(covered.map(({ state }) => state));
    // What lets none go now lets some go later where pods that are not ready come back as ready ones.
    const letsNoneGo = kinds.size === 1 || status.desiredHealthy >= status.expectedPods;
    if (status.disruptionsAllowed === 0 ? letsNoneGo : status.disruptionsAllowed >= covered.length) continue;
    if (kinds.size === 1 && kinds.has("ready" satisfies PodState) && app !== undefined) {
      for (const { name } of covered) contested.add(name);
      continue;
    }
    for (const { namespace } of [twins.ours, twins.kubectls]) {
      await client.delete(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${metadata.name}`);
    }
  }
  return { ...twins, contested };
}

export async function readAftermath(client: ApiClient, { node, namespace }: PlacedPopulation): Promise<Aftermath> {
  const { spec } = (await client.get(`/api/v1/nodes/${node}`)) as Node;
  const { items } = (await client.get(`/api/v1/namespaces/${namespace}/pods`)) as { items: readonly Pod[] };
  const pods = items.map(({ metadata }) => {
    return metadata.deletionTimestamp === undefined ? metadata.name : `${metadata.name} in deletion`;
  });
  return { unschedulable: spec.unschedulable === true, pods: asSet(pods) };
}

/** Without the names by which twins differ, and without the numbers of contested pods. */
export function anonymous<Value extends Outcome | Aftermath>(
  value: Value,
  { node, namespace }: PlacedPopulation,
  contested: Twins["contested"],
): Value {
  const text = (one: string): string => {
    const named = one.replaceAll(node, "NODE").replaceAll(namespace, "NAMESPACE");
    return named.replaceAll(/\b(app\d)-\d\b/g, (name, app: string) => (contested.has(name) ? `${app}-?` : name));
  };
  const entries = Object.entries(value).map(([key, field]: [string, unknown]) => [
    key,
    Array.isArray(field) ? field.map((one) => text(String(one))).sort((one, other) => (one < other ? -1 : 1)) : field,
  ]);
  return Object.fromEntries(entries) as Value;
}
