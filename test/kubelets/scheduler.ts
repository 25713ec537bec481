/** Which node a pod gets: enough of kube-scheduler for drains and rollouts. No resources, no preferences, no pod affinity. */
import type { Node, Pod } from "./kubernetes-objects.ts";

const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/**
 * @param podsOn  how many pods a node has
 * @returns       the fitting node with the fewest pods, the first by name of several; undefined when none fits
 */
export function chooseNode(pod: Pod, nodes: Iterable<Node>, podsOn: (node: string) => number): string | undefined {
  const fitting = [...nodes]
    .filter((node) => fits(pod, node))
    .map(({ metadata: { name } }) => ({ name, pods: podsOn(name) }))
    .sort((one, other) => one.pods - other.pods || (one.name < other.name ? -1 : 1));
  return fitting[0]?.name;
}

function fits(pod: Pod, node: Node): boolean {
  if (node.spec.unschedulable === true && !tolerates(pod, UNSCHEDULABLE, "NoSchedule")) return false;
  const repelled = (node.spec.taints ?? []).some(
    ({ key, effect }) => effect !== "PreferNoSchedule" && !tolerates(pod, key, effect),
  );
  return !repelled && hasSelectedLabels(pod, node) && isNamedByAffinity(pod, node.metadata.name);
}

function tolerates(pod: Pod, taint: string, taintEffect: string): boolean {
  return (pod.spec.tolerations ?? []).some(
    ({ key, operator, effect }) =>
      (key === taint || (key === undefined && operator === "Exists")) &&
      (effect === undefined || effect === taintEffect),
  );
}

function hasSelectedLabels(pod: Pod, node: Node): boolean {
  return Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value);
}

/** The DaemonSet controller names its pods' nodes so; matchExpressions are beyond us. */
function isNamedByAffinity(pod: Pod, name: string): boolean {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return true;
  return terms.some(({ matchFields = [] }) =>
    matchFields.every(
      ({ key, operator, values }) => key === "metadata.name" && operator === "In" && values?.includes(name),
    ),
  );
}
