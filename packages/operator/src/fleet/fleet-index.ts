/** The Fleet Clusters and ClusterGroups that there are, by namespace. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { compileSelector, type LabelSelector, type Labels } from "./label-selector.ts";
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

interface Namespace {
  readonly clusters: Map<string, FleetCluster>;
  readonly groups: Map<string, FleetGroup>;
}

/** Whether the group has the cluster; one with an invalid selector has none. */
function contains(group: FleetGroup, cluster: FleetCluster): boolean {
  if (group.selector === undefined) return false;
  const compiled = compileSelector(group.selector, "spec.selector");
  return compiled.ok && compiled.matches(cluster.labels);
}

export class FleetIndex {
  readonly #namespaces = new Map<string, Namespace>();

  #of(namespace: string): Namespace {
    const found = this.#namespaces.get(namespace);
    if (found !== undefined) return found;
    const made = { clusters: new Map<string, FleetCluster>(), groups: new Map<string, FleetGroup>() };
    this.#namespaces.set(namespace, made);
    return made;
  }

  putCluster({ metadata, cluster }: ClusterEntry): void {
    this.#of(metadata.namespace).clusters.set(metadata.name, cluster);
  }

  deleteCluster({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#of(metadata.namespace).clusters.delete(metadata.name);
  }

  putGroup({ metadata, group }: GroupEntry): void {
    this.#of(metadata.namespace).groups.set(metadata.name, group);
  }

  deleteGroup({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#of(metadata.namespace).groups.delete(metadata.name);
  }

  /** Names of the namespace's clusters that the targets choose. */
  chosen(namespace: string, match: TargetMatch): ReadonlySet<string> {
    const { clusters, groups } = this.#of(namespace);
    const all = [...groups.values()];
    const chosen = [...clusters.values()].filter(
      (cluster) =>
        match(
          cluster,
          all.filter((group) => contains(group, cluster)),
        ) !== undefined,
    );
    return new Set(chosen.map((cluster) => cluster.name));
  }
}
