/** Drains a node as `kubectl drain` does: cordon, look at all pods, then all of them or none. */
import { NodeApiError, askedAgain, type KubernetesClient } from "../kubernetes/index.ts";
import type { Bench, PodEnding } from "./bench.ts";
import { cordonNode, requireOwnNode } from "./cordon.ts";
import { startCourse, type DrainOutside } from "./course.ts";
import { lookUpDaemonSets } from "./daemon-sets.ts";
import { deletePods } from "./delete-pods.ts";
import type { DrainEvent, DryRun } from "./drain-event.ts";
import { drainFailure, refusalError } from "./drain-failure.ts";
import type { DrainOptions } from "./drain-options.ts";
import { DrainError } from "./errors.ts";
import { evictPods } from "./evict-pods.ts";
import { nameOf, type NodePod, type PodName } from "./node-pod.ts";
import { listNodePods } from "./node-view.ts";
import { daemonSetsToLookUp, judgePods, refusalTexts, warningText, type JudgedPod } from "./pod-filters.ts";
import { readEvictionVersion } from "./pod-requests.ts";

export interface DrainRequest {
  readonly nodeName: string;
  readonly options: DrainOptions;
  /** client: nothing is asked of the API server but what is there; server: it checks everything and changes nothing. */
  readonly dryRun?: DryRun;
  /** Who cordons, as CordonOptions has it. */
  readonly fieldManager?: string | undefined;
  /** Ends the drain; the node stays as it is at that moment. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: DrainEvent) => void;
}

export interface DrainReport {
  readonly nodeName: string;
  /** Whether this drain cordoned the node, so that it is for us to undo it. */
  readonly cordoned: boolean;
  /** What it removed, or with a dry run would remove. */
  readonly removed: readonly PodName[];
  /** What went meanwhile without it. */
  readonly absent: readonly PodName[];
  /** What is in deletion for so long that nobody waits for it. */
  readonly notAwaited: readonly PodName[];
  /** What was left alone: DaemonSets' pods, mirror pods. */
  readonly left: readonly PodName[];
  /** kubectl's text of warnings; empty where there is none. */
  readonly warning: string;
}

/**
 * @throws DrainError; NodeApiError where the API server cannot be asked or refuses before anything is evicted
 */
export async function drainThrough(
  outside: DrainOutside,
  client: KubernetesClient,
  request: DrainRequest,
): Promise<DrainReport> {
  const { nodeName, options, dryRun = "none", fieldManager, signal, onEvent = () => undefined } = request;
  // What comes before the first eviction has no patience of its own.
  const patient = askedAgain(client, outside.sleep);
  try {
    requireOwnNode(client, nodeName);
    await requireSelector(patient, request);
    const { changed } = await cordonNode(patient, nodeName, { dryRun, fieldManager, signal });
    onEvent({ kind: "cordon", nodeName, changed });
    const judged = await judgeNode(patient, request);
    const refusals = refusalTexts(judged);
    if (refusals.length > 0) throw refusalError(nodeName, refusals);
    const warning = warningText(judged);
    if (warning !== "") onEvent({ kind: "warning", message: warning });

    const pods = judged.flatMap(({ pod, verdict }) => (verdict.kind === "remove" ? [pod] : []));
    const bench: Bench = {
      outside,
      client,
      nodeName,
      options,
      onEvent,
      isDryRun: dryRun === "server",
      course: startCourse(outside, options.timeoutMs, signal),
    };
    const endings = await removePods(bench, pods, dryRun === "client");
    const failure = drainFailure(nodeName, endings);
    if (failure !== undefined) throw failure;
    onEvent({ kind: "drained", nodeName });
    const left = judged.flatMap(({ pod, verdict }) => (verdict.kind === "leave" ? [pod] : []));
    return { nodeName, cordoned: changed, ...sorted(endings), left: left.map(nameOf), warning };
  } catch (error) {
    throw explained(error, nodeName, signal);
  }
}

/** kubectl refuses a bad selector before it cordons; the API server's own parser judges it here. */
async function requireSelector(client: KubernetesClient, { nodeName, options, signal }: DrainRequest): Promise<void> {
  const { podSelector: labelSelector } = options;
  if (labelSelector === "") return;
  const query = { labelSelector, limit: "1", fieldSelector: `spec.nodeName=${nodeName}` };
  try {
    await client.send({ method: "GET", path: "/api/v1/pods", query, signal });
  } catch (cause) {
    if (!(cause instanceof NodeApiError) || cause.code !== "NODE_API_REFUSED") throw cause;
    const message = "--pod-selector=<pod_selector> must be a valid label selector";
    throw new DrainError("DRAIN_OPTIONS_INVALID", `${message}: ${cause.message}`, { cause });
  }
}

async function judgeNode(
  client: KubernetesClient,
  { nodeName, options, signal }: DrainRequest,
): Promise<readonly JudgedPod[]> {
  const pods = await listNodePods(client, nodeName, options.podSelector, signal);
  const world = { options, serverMs: client.serverMs() };
  const daemonSets = await lookUpDaemonSets(client, daemonSetsToLookUp(pods, world), signal);
  return judgePods(pods, { ...world, daemonSets });
}

async function removePods(bench: Bench, pods: readonly NodePod[], onlySay: boolean): Promise<readonly PodEnding[]> {
  const { client, options, course, onEvent } = bench;
  if (onlySay) {
    for (const pod of pods) onEvent({ kind: "evicting", pod: nameOf(pod), attempt: 1 });
    return pods.map((pod) => ({ kind: "removed", pod }));
  }
  if (pods.length === 0) return [];
  const patient = askedAgain(client, bench.outside.sleep);
  const version = options.disableEviction ? undefined : await readEvictionVersion(patient, course.signal);
  return version === undefined ? deletePods(bench, pods) : evictPods(bench, pods, version);
}

function sorted(endings: readonly PodEnding[]): Pick<DrainReport, "removed" | "absent" | "notAwaited"> {
  const of = (kind: PodEnding["kind"]): readonly PodName[] =>
    endings.filter((ending) => ending.kind === kind).map(({ pod }) => nameOf(pod));
  return { removed: of("removed"), absent: of("absent"), notAwaited: of("not-awaited") };
}

/** An interruption is told as one, wherever it was noticed. */
function explained(error: unknown, nodeName: string, signal: AbortSignal): unknown {
  if (!signal.aborted) return error;
  return new DrainError("DRAIN_INTERRUPTED", `the drain of node ${nodeName} was broken off`, { cause: error });
}
