/** A population as objects for the API server. */
import { BEHAVIOUR, mirrorPod } from "../kubelets/index.ts";
import type { BudgetPlan, GroupPlan, Owner, PodState, Population } from "./population.ts";

/** Where a population is; its twin has another place. */
export interface Place {
  readonly namespace: string;
  readonly node: string;
  readonly nodeUid: string;
}

export interface PlannedPod {
  readonly name: string;
  readonly state: PodState;
  readonly object: object;
}

const FINALIZER = "example.com/hold";
const API_VERSION: Readonly<Record<Exclude<Owner, "none" | "mirror">, readonly [apiVersion: string, kind: string]>> = {
  ReplicaSet: ["apps/v1", "ReplicaSet"],
  StatefulSet: ["apps/v1", "StatefulSet"],
  DaemonSet: ["apps/v1", "DaemonSet"],
  "DaemonSet-gone": ["apps/v1", "DaemonSet"],
  Kruise: ["apps.kruise.io/v1alpha1", "DaemonSet"],
  Job: ["batch/v1", "Job"],
  bystander: ["apps/v1", "ReplicaSet"],
};
/** Of owners that do not exist. */
const NOBODY = "00000000-0000-4000-8000-000000000000";

/** @returns path and object of the owner, where there is a real one: the disruption controller counts by it */
export function ownerObject(
  { app, owner, states }: GroupPlan,
  namespace: string,
): readonly [string, object] | undefined {
  if (owner !== "ReplicaSet" && owner !== "StatefulSet" && owner !== "DaemonSet") return undefined;
  const labels = { app };
  const template = { metadata: { labels }, spec: { containers: [container()] } };
  const kind = `${owner.toLowerCase()}s`;
  const spec = {
    selector: { matchLabels: labels },
    template,
    ...(owner === "DaemonSet" ? {} : { replicas: states.length }),
    ...(owner === "StatefulSet" ? { serviceName: app } : {}),
  };
  const object = { apiVersion: "apps/v1", kind: owner, metadata: { name: app, namespace }, spec };
  return [`/apis/apps/v1/namespaces/${namespace}/${kind}`, object];
}

/** @param ownerUid  of the owner, where there is a real one */
export function podObjects(group: GroupPlan, place: Place, ownerUid: string | undefined): readonly PlannedPod[] {
  return group.states.map((state, index) => {
    const name = `${group.app}-${index}`;
    if (group.owner === "mirror") {
      const object = mirrorPod(name, place.namespace, place.node, place.nodeUid);
      return { name: `${name}-${place.node}`, state, object: withLabels(object, labelsOf(group)) };
    }
    return { name, state, object: podObject(group, name, { place, state, ownerUid }) };
  });
}

function podObject(
  group: GroupPlan,
  name: string,
  { place, state, ownerUid }: { place: Place; state: PodState; ownerUid: string | undefined },
): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: place.namespace,
      labels: labelsOf(group),
      annotations: annotationsOf(state),
      ownerReferences: ownersOf(group, ownerUid),
      finalizers: state === "held" || state === "finalizer" ? [FINALIZER] : undefined,
    },
    spec: {
      nodeName: place.node,
      containers: [container()],
      volumes: group.emptyDir ? [{ name: "scratch", emptyDir: {} }] : undefined,
      tolerations: [{ operator: "Exists" }],
    },
  };
}

function labelsOf({ app, tier }: GroupPlan): Readonly<Record<string, string>> {
  return { app, tier };
}

function withLabels(object: object, labels: Readonly<Record<string, string>>): object {
  const { metadata } = object as { metadata: object };
  return { ...object, metadata: { ...metadata, labels } };
}

function ownersOf({ app, owner }: GroupPlan, ownerUid: string | undefined): readonly object[] | undefined {
  if (owner === "none" || owner === "mirror") return undefined;
  const [apiVersion, kind] = API_VERSION[owner];
  return [{ apiVersion, kind, name: app, uid: ownerUid ?? NOBODY, controller: owner !== "bystander" }];
}

function annotationsOf(state: PodState): Readonly<Record<string, string>> {
  if (state === "succeeded") return { [BEHAVIOUR.phase]: "Succeeded" };
  if (state === "failed") return { [BEHAVIOUR.phase]: "Failed" };
  if (state === "unready") return { [BEHAVIOUR.unready]: "true" };
  return state === "in-grace" ? { [BEHAVIOUR.stuck]: "true" } : {};
}

function container(): object {
  return { name: "app", image: "registry.example.com/app:1" };
}

export function budgetObjects({ budgets, groups }: Population, namespace: string): readonly object[] {
  return budgets.map(({ over, ...spec }, index) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: `budget${index}`, namespace },
    spec: { ...spec, ...selectorOf(over, groups) },
  }));
}

function selectorOf(over: BudgetPlan["over"], groups: readonly GroupPlan[]): object {
  if (over === "nothing") return {};
  if (over === "all") return { selector: {} };
  return { selector: { matchLabels: { app: groups[over]?.app ?? "" } } };
}
