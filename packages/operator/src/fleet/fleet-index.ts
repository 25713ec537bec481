/** The Fleet Clusters and ClusterGroups that there are, by namespace. */
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "@kubernetes/client-node";
import { textsOf } from "@rancheros/protocol/templates";
import { ByNamespace, isNextSpec } from "../controller/index.ts";
import { compileSelector, type LabelMatch, type LabelSelector, type Labels } from "./label-selector.ts";
import type { FleetCluster, FleetGroup, TargetMatch } from "./match-targets.ts";

interface FleetMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface ClusterEntry extends KubernetesObject {
  readonly metadata: FleetMeta;
  readonly cluster: FleetCluster;
}

export interface GroupEntry extends KubernetesObject {
  readonly metadata: FleetMeta & { readonly generation?: number };
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
  const isText = (one: [string, unknown]): one is [string, string | null] =>
    typeof one[1] === "string" || one[1] === null;
  return textsOf(Object.fromEntries(Object.entries(map).filter(isText)));
}

function metaOf(object: unknown): FleetMeta | undefined {
  const metadata = child(object, "metadata");
  const [name, namespace] = [textAt(metadata, "name"), textAt(metadata, "namespace")];
  if (name === "" || namespace === "") return undefined;
  return { name, namespace, uid: textAt(metadata, "uid"), resourceVersion: textAt(metadata, "resourceVersion") };
}

function generationAt(metadata: unknown): { readonly generation?: number } {
  const generation = child(metadata, "generation");
  return typeof generation === "number" ? { generation } : {};
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
  return {
    metadata: { ...metadata, ...generationAt(child(object, "metadata")) },
    group: { name: metadata.name, labels, selector: selectorAt(child(object, "spec")) },
  };
}

interface HeldGroup {
  readonly group: FleetGroup;
  readonly uid: string;
  readonly generation: number | undefined;
  /** Which labels of clusters it chooses; undefined where nobody can tell, neither by its selector nor by an earlier one. */
  readonly matches: LabelMatch | undefined;
  /** Of a selector that is none: what it chooses is what the one before did. */
  readonly problems: readonly string[];
}

/** What can be said against ClusterGroups on which it depends which clusters some targets choose. */
export interface UnclearGroups {
  readonly problems: readonly string[];
  /** Whether it is known what they chose before. */
  readonly isKnown: boolean;
}

const NOTHING: LabelMatch = () => false;

/** @param before  of its name; one of another UID is another group, and one between which and this a spec was missed tells nothing */
function heldGroup({ metadata, group }: GroupEntry, before: HeldGroup | undefined): HeldGroup {
  const { uid, generation, namespace, name } = metadata;
  const held = { group, uid, generation };
  if (group.selector === undefined) return { ...held, matches: NOTHING, problems: [] };
  const compiled = compileSelector(group.selector, "spec.selector");
  if (compiled.ok) return { ...held, matches: compiled.matches, problems: [] };
  const problems = compiled.problems.map((one) => `ClusterGroup ${namespace}/${name}: ${one}`);
  const isNext = before?.uid === uid && isNextSpec(before.generation, generation);
  return { ...held, matches: isNext ? before.matches : undefined, problems };
}

function isUnsound({ problems }: HeldGroup): boolean {
  return problems.length > 0;
}

function groupsOf({ labels }: FleetCluster, all: readonly HeldGroup[]): readonly FleetGroup[] {
  return all.filter(({ matches }) => matches?.(labels) === true).map(({ group }) => group);
}

export class FleetIndex {
  readonly #clusters = new ByNamespace<FleetCluster>();
  readonly #groups = new ByNamespace<HeldGroup>();

  /** @returns whether anything has changed that targets go by: clusters write into their statuses all the time */
  putCluster({ metadata, cluster }: ClusterEntry): boolean {
    if (isDeepStrictEqual(this.#clusters.get(metadata), cluster)) return false;
    this.#clusters.set(metadata, cluster);
    return true;
  }

  deleteCluster({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#clusters.delete(metadata);
  }

  /** @returns whether anything has changed that targets go by */
  putGroup(entry: GroupEntry): boolean {
    const { uid } = entry.metadata;
    const before = this.#groups.get(entry.metadata);
    const next = heldGroup(entry, before);
    this.#groups.set(entry.metadata, next);
    const isKnownAsBefore = (before?.matches === undefined) === (next.matches === undefined);
    return before?.uid !== uid || !isKnownAsBefore || !isDeepStrictEqual(before.group, entry.group);
  }

  /** What is wrong with the group's selector; empty where nothing is. */
  groupProblems(namespace: string, name: string): readonly string[] {
    return this.#groups.get({ namespace, name })?.problems ?? [];
  }

  deleteGroup({ metadata }: { readonly metadata: Pick<FleetMeta, "name" | "namespace"> }): void {
    this.#groups.delete(metadata);
  }

  /** Names of the namespace's clusters that the targets choose. */
  chosen(namespace: string, match: TargetMatch): ReadonlySet<string> {
    const all = [...this.#groups.in(namespace).values()];
    const chosen = [...this.#clusters.in(namespace).values()].filter(
      (cluster) => match(cluster, groupsOf(cluster, all)) !== undefined,
    );
    return new Set(chosen.map((cluster) => cluster.name));
  }

  /** Undefined where the namespace's groups leave no doubt about which clusters the targets choose. */
  unclear(namespace: string, match: TargetMatch): UnclearGroups | undefined {
    const [clusters, groups] = [this.#clusters.in(namespace), this.#groups.in(namespace)];
    const [unsound, sound] = [
      [...groups.values()].filter(isUnsound),
      [...groups.values()].filter((one) => !isUnsound(one)),
    ];
    // By what can be told of all groups today: whoever knows what one chose before is to say the same as who does not.
    const doubted = unsound.filter(({ group }) =>
      [...clusters.values()].some((cluster) => {
        const others = groupsOf(cluster, sound);
        return (match(cluster, others) === undefined) !== (match(cluster, [...others, group]) === undefined);
      }),
    );
    if (doubted.length === 0) return undefined;
    const isKnown = doubted.every(({ matches }) => matches !== undefined);
    return { problems: doubted.flatMap(({ problems }) => problems), isKnown };
  }
}
