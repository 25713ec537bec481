/** Which pods of a node a drain removes, leaves or stops at: kubectl's filters, in kubectl's order. */
import type { DrainOptions } from "./drain-options.ts";
import type { NodePod, PodController, PodName } from "./node-pod.ts";

export type PodVerdict =
  | { readonly kind: "remove"; readonly warning: string | undefined }
  | { readonly kind: "leave"; readonly warning: string | undefined }
  /** The whole drain stops. */
  | { readonly kind: "refuse"; readonly message: string };

/** What looking for a DaemonSet gave. */
export type DaemonSetState =
  | { readonly kind: "there" }
  /** With the kubelet's identity one may not look. */
  | { readonly kind: "hidden" }
  | { readonly kind: "missing"; readonly message: string }
  | { readonly kind: "unknown"; readonly message: string };

export interface FilterWorld {
  readonly options: DrainOptions;
  /** By daemonSetKey; of those that daemonSetsToLookUp names. */
  readonly daemonSets: ReadonlyMap<string, DaemonSetState>;
  /** By the API server's clock, which dates deletions; milliseconds since 1970. */
  readonly serverMs: number;
}

export interface JudgedPod {
  readonly pod: NodePod;
  readonly verdict: PodVerdict;
}

const REMOVE: PodVerdict = { kind: "remove", warning: undefined };
const SKIP: PodVerdict = { kind: "leave", warning: undefined };
const FINISHED: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);

type Filter = (pod: NodePod, world: FilterWorld) => PodVerdict;

/** Source: k8s.io/kubectl/pkg/drain/filters.go, makeFilters */
const FILTERS: readonly Filter[] = [skipDeleted, daemonSet, mirror, localStorage, unreplicated];

/** As kubectl, the first filter that does not let the pod be removed decides, otherwise the last one. */
export function judgePods(pods: readonly NodePod[], world: FilterWorld): readonly JudgedPod[] {
  return pods.map((pod) => {
    let verdict = REMOVE;
    for (const filter of FILTERS) {
      verdict = filter(pod, world);
      if (verdict.kind !== "remove") break;
    }
    return { pod, verdict };
  });
}

/** Whether a pod has been in deletion for longer than anybody waits. */
export function isPastWaiting(
  { deletionMs }: Pick<NodePod, "deletionMs">,
  { options, serverMs }: Pick<FilterWorld, "options" | "serverMs">,
): boolean {
  const limitSeconds = options.skipWaitForDeleteTimeoutSeconds;
  return limitSeconds > 0 && deletionMs !== undefined && Math.trunc((serverMs - deletionMs) / 1000) > limitSeconds;
}

export function daemonSetKey({ namespace, name }: PodName): string {
  return `${namespace}/${name}`;
}

/** The DaemonSets that the filters will ask for, each once. */
export function daemonSetsToLookUp(
  pods: readonly NodePod[],
  world: Pick<FilterWorld, "options" | "serverMs">,
): readonly PodName[] {
  const wanted = new Map<string, PodName>();
  for (const pod of pods) {
    if (isPastWaiting(pod, world) || FINISHED.has(pod.phase) || !isDaemonSet(pod.controller)) continue;
    const name = { namespace: pod.namespace, name: pod.controller.name };
    wanted.set(daemonSetKey(name), name);
  }
  return [...wanted.values()];
}

/** @returns kubectl's text after "Warning: "; empty where there is nothing to warn of */
export function warningText(judged: readonly JudgedPod[]): string {
  const groups = grouped(judged, (verdict) => (verdict.kind === "refuse" ? undefined : verdict.warning));
  return groups.map(([message, pods]) => `${message}: ${pods.join(", ")}`).join("; ");
}

/** @returns kubectl's error for each reason; empty where the pods allow the drain */
export function refusalTexts(judged: readonly JudgedPod[]): readonly string[] {
  const groups = grouped(judged, (verdict) => (verdict.kind === "refuse" ? verdict.message : undefined));
  return groups.map(([message, pods]) => `cannot delete ${message}: ${pods.join(", ")}`);
}

function grouped(
  judged: readonly JudgedPod[],
  messageOf: (verdict: PodVerdict) => string | undefined,
): readonly (readonly [message: string, pods: readonly string[]])[] {
  const groups = new Map<string, string[]>();
  for (const { pod, verdict } of judged) {
    const message = messageOf(verdict);
    if (message === undefined) continue;
    const pods = groups.get(message) ?? [];
    pods.push(`${pod.namespace}/${pod.name}`);
    groups.set(message, pods);
  }
  return [...groups];
}

function skipDeleted(pod: NodePod, world: FilterWorld): PodVerdict {
  return isPastWaiting(pod, world) ? SKIP : REMOVE;
}

function daemonSet({ namespace, phase, controller }: NodePod, { options, daemonSets }: FilterWorld): PodVerdict {
  if (!isDaemonSet(controller) || FINISHED.has(phase)) return REMOVE;
  const state = daemonSets.get(daemonSetKey({ namespace, name: controller.name }));
  if (state?.kind === "missing" && options.force) return { kind: "remove", warning: state.message };
  if (state?.kind === "missing" || state?.kind === "unknown") return { kind: "refuse", message: state.message };
  if (options.ignoreDaemonSets) return { kind: "leave", warning: "ignoring DaemonSet-managed Pods" };
  return { kind: "refuse", message: "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)" };
}

function mirror({ isMirror }: NodePod): PodVerdict {
  return isMirror ? SKIP : REMOVE;
}

function localStorage({ hasEmptyDir, phase }: NodePod, { options }: FilterWorld): PodVerdict {
  if (!hasEmptyDir || FINISHED.has(phase)) return REMOVE;
  // As in kubectl, the next filter's silence hides this warning.
  if (options.deleteEmptyDirData) return { kind: "remove", warning: "deleting Pods with local storage" };
  return { kind: "refuse", message: "Pods with local storage (use --delete-emptydir-data to override)" };
}

function unreplicated({ phase, controller }: NodePod, { options }: FilterWorld): PodVerdict {
  if (FINISHED.has(phase) || controller !== undefined) return REMOVE;
  if (options.force) return { kind: "remove", warning: "deleting Pods that declare no controller" };
  return { kind: "refuse", message: "Pods that declare no controller (use --force to override)" };
}

function isDaemonSet(controller: PodController | undefined): controller is PodController {
  return controller?.kind === "DaemonSet" && controller.apiVersion === "apps/v1";
}
