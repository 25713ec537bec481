/** Which pods are on a node, looked at again and again: one list for all who wait, however many they are. */
import { NodeApiError, isPassing, listAll, listVersioned, type KubernetesClient } from "../kubernetes/index.ts";
import type { Course, DrainOutside } from "./course.ts";
import type { DrainEvent } from "./drain-event.ts";
import { parseNodePod, parsePodMetadata, type NodePod, type PodMetadata } from "./node-pod.ts";
import { askPatiently } from "./patience.ts";

/** By UID. */
export type PodsOnNode = ReadonlyMap<string, PodMetadata>;

export type LookHow = "exact" | "late";

export interface NodeView {
  /**
   * Looks as soon as the last look is long enough ago.
   * @param how  "exact": of etcd, for who judges by it what became of a request. "late": for who waits for what will be seen
   *   later too; the API server's memory may be behind, and is never older than what an exact look of this view has seen
   * @returns what a list says that began after the call; undefined where the time was over before the API server answered
   * @throws NodeApiError that trying again cannot mend; DrainError DRAIN_INTERRUPTED
   */
  look(how: LookHow): Promise<PodsOnNode | undefined>;
}

/** kubectl's. */
const POLL_INTERVAL_MS = 1_000;
/** A look is cheap, and a connection that hangs should not hold all who wait. */
const LOOK_TIMEOUT_MS = 15_000;
/** Nobody waits for long by a memory that has stopped. */
const EXACT_INTERVAL_MS = 60_000;
const GONE = 410;
const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/**
 * A pod that is gone cannot be asked for by name with the kubelet's identity: the answer is 403, not 404. So the node's
 * pods are listed and their UIDs compared, which is also cheaper than a request for each of them.
 */
export function createNodeView(
  outside: DrainOutside,
  client: KubernetesClient,
  nodeName: string,
  course: Course,
  onEvent: (event: DrainEvent) => void,
): NodeView {
  let lastMs = Number.NEGATIVE_INFINITY;
  let coming: Promise<PodsOnNode | undefined> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** Of the last exact look: on an API server before 1.31 each of them reads all pods of the cluster from etcd. */
  let version: string | undefined;
  let exactMs = Number.NEGATIVE_INFINITY;
  let wantsExact = false;

  async function list(notOlderThan: string | undefined): Promise<PodsOnNode> {
    const beganMs = outside.nowMs();
    const pods = await listVersioned(client, {
      notOlderThan,
      path: "/api/v1/pods",
      query: onNode(nodeName),
      accept: METADATA_ONLY,
      signal: course.signal,
      timeoutMs: Math.min(course.requestMs(), LOOK_TIMEOUT_MS),
      parseItem: parsePodMetadata,
    });
    if (notOlderThan === undefined) [version, exactMs] = [pods.version, beganMs];
    return new Map(pods.items.map((pod) => [pod.uid, pod]));
  }

  async function ask(how: LookHow): Promise<PodsOnNode> {
    const isLate = how === "late" && outside.nowMs() - exactMs < EXACT_INTERVAL_MS;
    try {
      return await list(isLate ? version : undefined);
    } catch (error) {
      if (!isLate || !isPastMemory(error)) throw error;
      return list(undefined);
    }
  }

  async function next(): Promise<PodsOnNode | undefined> {
    await last;
    await course.pause(lastMs + POLL_INTERVAL_MS - outside.nowMs());
    lastMs = outside.nowMs();
    // Who comes from here on may have acted after this list began.
    coming = undefined;
    const how = wantsExact ? "exact" : "late";
    wantsExact = false;
    const looking = askPatiently(outside, course, onEvent, () => ask(how), mayPass);
    last = looking.catch(() => undefined);
    return looking;
  }

  return {
    look(how) {
      wantsExact ||= how === "exact";
      return (coming ??= next());
    },
  };
}

/** This API server's memory has not come so far yet, as of another one behind the same address, or does not reach back. */
function isPastMemory(error: unknown): boolean {
  if (!(error instanceof NodeApiError) || error.status === undefined) return false;
  const { httpStatus, causes } = error.status;
  return httpStatus === GONE || causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}

/** No webhook judges a list: its failure is that of etcd, which changes its leader, or of what stands before the API server. */
function mayPass(error: NodeApiError): boolean {
  return isPassing(error) || error.code === "NODE_API_FAILED";
}

/** What came of a look, for whoever has something else to say where there is nothing to be seen. */
export type Look =
  | { readonly kind: "pods"; readonly pods: PodsOnNode }
  | { readonly kind: "no-time" }
  | { readonly kind: "refused"; readonly error: NodeApiError };

/** @throws NodeApiError NODE_API_INTERRUPTED; DrainError DRAIN_INTERRUPTED */
export async function lookAround(view: NodeView, how: LookHow): Promise<Look> {
  try {
    const pods = await view.look(how);
    return pods === undefined ? { kind: "no-time" } : { kind: "pods", pods };
  } catch (error) {
    if (!(error instanceof NodeApiError) || error.code === "NODE_API_INTERRUPTED") throw error;
    return { kind: "refused", error };
  }
}

/** absent: another one of its name may be there. */
export type Whereabouts = PodMetadata | "absent" | "unknown";

export function whereIs({ uid }: Pick<NodePod, "uid">, seen: Look): Whereabouts {
  return seen.kind === "pods" ? (seen.pods.get(uid) ?? "absent") : "unknown";
}

/** @throws NodeApiError */
export function listNodePods(
  client: KubernetesClient,
  nodeName: string,
  podSelector: string,
  signal: AbortSignal,
): Promise<readonly NodePod[]> {
  const selection = podSelector === "" ? {} : { labelSelector: podSelector };
  const query = { ...onNode(nodeName), ...selection };
  return listAll(client, { path: "/api/v1/pods", query, signal, parseItem: parseNodePod });
}

function onNode(nodeName: string): { readonly fieldSelector: string } {
  return { fieldSelector: `spec.nodeName=${nodeName}` };
}
