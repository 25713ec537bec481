/** Which pods are on a node, looked at again and again: one list for all who wait, however many they are. */
import { NodeApiError, isPassing, listAll, type KubernetesClient } from "../kubernetes/index.ts";
import type { Course, DrainOutside } from "./course.ts";
import type { DrainEvent } from "./drain-event.ts";
import { parseNodePod, parsePodMetadata, type NodePod, type PodMetadata } from "./node-pod.ts";
import { askPatiently } from "./patience.ts";

/** By UID. */
export type PodsOnNode = ReadonlyMap<string, PodMetadata>;

export interface NodeView {
  /**
   * Looks as soon as the last look is long enough ago.
   * @returns what a list says that began after the call; undefined where the time was over before the API server answered
   * @throws NodeApiError that trying again cannot mend; DrainError DRAIN_INTERRUPTED
   */
  look(): Promise<PodsOnNode | undefined>;
}

/** kubectl's. */
const POLL_INTERVAL_MS = 1_000;
/** A look is cheap, and a connection that hangs should not hold all who wait. */
const LOOK_TIMEOUT_MS = 15_000;
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

  async function ask(): Promise<PodsOnNode> {
    const pods = await listAll(client, {
      path: "/api/v1/pods",
      query: onNode(nodeName),
      accept: METADATA_ONLY,
      signal: course.signal,
      timeoutMs: Math.min(course.requestMs(), LOOK_TIMEOUT_MS),
      parseItem: parsePodMetadata,
    });
    return new Map(pods.map((pod) => [pod.uid, pod]));
  }

  async function next(): Promise<PodsOnNode | undefined> {
    await last;
    await course.pause(lastMs + POLL_INTERVAL_MS - outside.nowMs());
    lastMs = outside.nowMs();
    // Who comes from here on may have acted after this list began.
    coming = undefined;
    const looking = askPatiently(outside, course, onEvent, ask, mayPass);
    last = looking.catch(() => undefined);
    return looking;
  }

  return { look: () => (coming ??= next()) };
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
export async function lookAround(view: NodeView): Promise<Look> {
  try {
    const pods = await view.look();
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
