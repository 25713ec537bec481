/** Fleet's targets: which of a namespace's clusters they choose. */
import { compileSelector, type Labels, type LabelMatch, type LabelSelector } from "./label-selector.ts";

/** Label of a Fleet Cluster: its name in Rancher's pages. */
const DISPLAY_NAME_LABEL = "management.cattle.io/cluster-display-name";

export interface FleetTarget {
  readonly name?: string;
  readonly clusterName?: string;
  readonly clusterSelector?: LabelSelector | null;
  readonly clusterGroup?: string;
  readonly clusterGroupSelector?: LabelSelector | null;
}

export interface FleetCluster {
  readonly name: string;
  readonly labels: Labels;
}

export interface FleetGroup {
  readonly name: string;
  readonly labels: Labels;
  /** spec.selector over the labels of clusters; undefined chooses none. */
  readonly selector: LabelSelector | undefined;
}

/** @returns index of the first target that chooses the cluster; undefined where none does */
export type TargetMatch = (cluster: FleetCluster, groups: readonly FleetGroup[]) => number | undefined;

export type CompiledTargets =
  { readonly ok: true; readonly match: TargetMatch } | { readonly ok: false; readonly problems: readonly string[] };

/** What the criteria of a target see of a group; without one, an empty name and no labels. */
type GroupView = Pick<FleetGroup, "name" | "labels">;
const NO_GROUP: GroupView = { name: "", labels: {} };

type Criterion = (cluster: FleetCluster, group: GroupView) => boolean;

/** An empty text is as good as an absent one, as Go reads it. */
function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function criteriaOf(target: FleetTarget, at: string, problems: string[]): readonly Criterion[] {
  const criteria: Criterion[] = [];
  const selector = (given: LabelSelector | null | undefined, field: string): LabelMatch | undefined => {
    if (given === undefined || given === null) return undefined;
    const compiled = compileSelector(given, `${at}.${field}`);
    if (compiled.ok) return compiled.matches;
    problems.push(...compiled.problems);
    return undefined;
  };
  const { clusterName, clusterGroup } = target;
  if (isSet(clusterName)) {
    criteria.push((one) => one.name === clusterName || one.labels[DISPLAY_NAME_LABEL] === clusterName);
  }
  const ofCluster = selector(target.clusterSelector, "clusterSelector");
  if (ofCluster !== undefined) criteria.push((one) => ofCluster(one.labels));
  if (isSet(clusterGroup)) criteria.push((_, group) => group.name === clusterGroup);
  const ofGroup = selector(target.clusterGroupSelector, "clusterGroupSelector");
  if (ofGroup !== undefined) criteria.push((_, group) => ofGroup(group.labels));
  return criteria;
}

/**
 * @param field  path of the targets, which begins each problem
 * Source: fleet internal/cmd/controller/target/matcher; the reference of Rancher's objects, section 3
 */
export function compileTargets(targets: readonly FleetTarget[], field: string): CompiledTargets {
  const problems: string[] = [];
  const all = targets.map((target, index) => criteriaOf(target, `${field}[${index}]`, problems));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    match(cluster, groups) {
      const views: readonly GroupView[] = groups.length === 0 ? [NO_GROUP] : groups;
      // A target without criteria chooses nothing.
      const index = all.findIndex(
        (criteria) =>
          criteria.length > 0 && views.some((group) => criteria.every((criterion) => criterion(cluster, group))),
      );
      return index === -1 ? undefined : index;
    },
  };
}
