/** The Fleet Clusters and ClusterGroups that there are, by namespace. */
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "@kubernetes/client-node";
import { compileSelector, type LabelMatch, type LabelSelector, type Labels } from "./label-selector.ts";
import type { FleetCluster, FleetGroup, TargetMatch } from "./match-targets.ts";

interface FleetMeta {
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
}

export interface ClusterEntry extends KubernetesObject {
  readonly metadata: FleetMeta;
  readonly cluster: FleetCluster;
}

export interface GroupEntry extends KubernetesObject {
  readonly metadata: FleetMeta;
  readonly group: FleetGroup;
}

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function textAt(holder: unknown, key: string): string {
  const value = child(holder, key);
  return typeof value === "string" ? value : "";
}

function labelsAt(holder: unknown, key: string): Labels {
  const map = child(holder, key);
  if (typeof map !== "object" || map === null) return {};
  return Object.fromEntries(Object.entries(map).filter((one): one is [string, string] => typeof one[1] === "string"));
}

function metaOf(object: unknown): FleetMeta | undefined {
  const metadata = child(object, "metadata");
  const [name, namespace] = [textAt(metadata, "name"), textAt(metadata, "namespace")];
  if (name === "" || namespace === "") return undefined;
  return { name, namespace, resourceVersion: textAt(metadata, "resourceVersion") };
}

/** Reads a Cluster of fleet.cattle.io/v1alpha1; undefined where it is none. */
export function clusterEntry(object: unknown): ClusterEntry | undefined {
  const metadata = metaOf(object);
  if (metadata === undefined) return undefined;
  return { metadata, cluster: { name: metadata.name, labels: labelsAt(child(object, "metadata"), "labels") } };
}

function selectorAt(holder: unknown): LabelSelector | undefined {
  const selector = child(holder, "selector");
  if (typeof selector !== "object" || selector === null) return undefined;
  const expressions = child(selector, "matchExpressions");
  const list: readonly unknown[] = Array.isArray(expressions) ? expressions : [];
  return {
    matchLabels: labelsAt(selector, "matchLabels"),
    matchExpressions: list.map((one) => {
      const values = child(one, "values");
      const texts: readonly unknown[] = Array.isArray(values) ? values : [];
      return {
        key: textAt(one, "key"),
        operator: textAt(one, "operator"),
        values: texts.filter((value): value is string => typeof value === "string"),
      };
    }),
  };
}

/** Reads a ClusterGroup of fleet.cattle.io/v1alpha1; undefined where it is none. */
export function groupEntry(object: unknown): GroupEntry | undefined {
  const metadata = metaOf(object);
  if (metadata === undefined) return undefined;
  const labels = labelsAt(child(object, "metadata"), "labels");
  return { metadata, group: { name: metadata.name, labels, selector: selectorAt(child(object, "spec")) } };
}

interface HeldGroup {
  readonly group: FleetGroup;
  /** Which labels of clusters it chooses; an invalid selector chooses none. */
  readonly matches: LabelMatch;
}

interface Namespace {
  readonly clusters: Map<string, FleetCluster>;
  readonly groups: Map<string, HeldGroup>;
}

function matchOf({ selector }: FleetGroup): LabelMatch {
  const compiled = selector === undefined ? undefined : compileSelector(selector, "spec.selector");
  return compiled?.ok === true ? compiled.matches : () => false;
}

export class FleetIndex {
  readonly #namespaces = new Map<string, Namespace>();

  #of(namespace: string): Namespace {
    const found = this.#namespaces.get(namespace);
    if (found !== undefined) return found;
    const made = { clusters: new Map<string, FleetCluster>(), groups: new Map<string, HeldGroup>() };
    this.#namespaces.set(namespace, made);
    return made;
  }

  /** @returns whether anything has changed that targets go by: clusters write into their statuses all the time */
  putCluster({ metadata, cluster }: ClusterEntry): boolean {
    const { clusters } = this.#of(metadata.namespace);
    if (isDeepStrictEqual(clusters.get(metadata.name), cluster)) return false;
    clusters.set(metadata.name, cluster);
    return true;
  }

  deleteCluster({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#of(metadata.namespace).clusters.delete(metadata.name);
  }

  /** @returns whether anything has changed that targets go by */
  putGroup({ metadata, group }: GroupEntry): boolean {
    const { groups } = this.#of(metadata.namespace);
    if (isDeepStrictEqual(groups.get(metadata.name)?.group, group)) return false;
    groups.set(metadata.name, { group, matches: matchOf(group) });
    return true;
  }

  deleteGroup({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#of(metadata.namespace).groups.delete(metadata.name);
  }

  /** Names of the namespace's clusters that the targets choose. */
  chosen(namespace: string, match: TargetMatch): ReadonlySet<string> {
    const { clusters, groups } = this.#of(namespace);
    const all = [...groups.values()];
    const groupsOf = ({ labels }: FleetCluster): readonly FleetGroup[] =>
      all.filter(({ matches }) => matches(labels)).map(({ group }) => group);
    const chosen = [...clusters.values()].filter((cluster) => match(cluster, groupsOf(cluster)) !== undefined);
    return new Set(chosen.map((cluster) => cluster.name));
  }
}
