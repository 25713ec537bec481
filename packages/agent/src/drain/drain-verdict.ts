/** Whether draining a node makes sense in its cluster. */
import { NodeApiError, isMap, listPages, type KubernetesClient } from "../kubernetes/index.ts";

/** One node of the cluster, as far as it matters for a drain. */
export interface NodeFacts {
  readonly name: string;
  /** It runs the control plane or etcd. */
  readonly isServer: boolean;
  /** Its kubelet says so, and pods may be placed there. */
  readonly takesPods: boolean;
}

export type DrainVerdict =
  | { readonly kind: "drain"; readonly reason: undefined }
  /** There is something to say about it: hidden, the cluster cannot be seen; nowhere, evicted pods will have to wait. */
  | { readonly kind: "drain"; readonly reason: "hidden" | "nowhere"; readonly sentence: string }
  | { readonly kind: "skip"; readonly reason: "single-node" | "last-server"; readonly sentence: string };

const SERVER_LABELS = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
] as const;

/**
 * @param nodes  of the whole cluster; undefined where they cannot be seen, as with the kubelet's identity
 */
export function drainVerdict(nodeName: string, nodes: readonly NodeFacts[] | undefined): DrainVerdict {
  if (nodes === undefined) {
    const sentence = "the other nodes of the cluster cannot be seen with the kubelet's kubeconfig";
    return { kind: "drain", reason: "hidden", sentence };
  }
  const self = nodes.find(({ name }) => name === nodeName);
  // That there is no such node is for the API server to say.
  if (self === undefined) return { kind: "drain", reason: undefined };
  const others = nodes.filter(({ name }) => name !== nodeName);
  if (others.length === 0) {
    const sentence = `${nodeName} is the only node of its cluster: evicted pods would have nowhere to go`;
    return { kind: "skip", reason: "single-node", sentence };
  }
  if (self.isServer && !others.some((node) => node.isServer)) {
    const sentence = `${nodeName} is the only server of its cluster: what the API server depends on would be evicted with the rest`;
    return { kind: "skip", reason: "last-server", sentence };
  }
  if (others.some((node) => node.takesPods)) return { kind: "drain", reason: undefined };
  return { kind: "drain", reason: "nowhere", sentence: "no other node takes pods now: evicted ones will have to wait" };
}

/**
 * Looks at the cluster's nodes and judges.
 * @throws NodeApiError, not for the kubelet's missing right
 */
export async function readDrainVerdict(
  client: KubernetesClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<DrainVerdict> {
  const nodes: NodeFacts[] = [];
  try {
    for await (const page of listPages(client, { path: "/api/v1/nodes", signal, parseItem: parseNodeFacts })) {
      nodes.push(...page);
      const isAmongThem = nodes.some(({ name }) => name === nodeName);
      // Further nodes would only say the same again.
      if (isAmongThem && drainVerdict(nodeName, nodes).reason === undefined) break;
    }
  } catch (error) {
    if (error instanceof NodeApiError && error.code === "NODE_API_FORBIDDEN") return drainVerdict(nodeName, undefined);
    throw error;
  }
  return drainVerdict(nodeName, nodes);
}

/** @throws NodeApiError NODE_API_NONSENSE */
export function parseNodeFacts(node: unknown): NodeFacts {
  const metadata = isMap(node) ? node["metadata"] : undefined;
  if (!isMap(node) || !isMap(metadata) || typeof metadata["name"] !== "string") {
    throw new NodeApiError("NODE_API_NONSENSE", "the API server lists a node without a name");
  }
  const labels = isMap(metadata["labels"]) ? metadata["labels"] : {};
  const spec = isMap(node["spec"]) ? node["spec"] : {};
  const status = isMap(node["status"]) ? node["status"] : {};
  const conditions: readonly unknown[] = Array.isArray(status["conditions"]) ? status["conditions"] : [];
  const isReady = conditions.some((one) => isMap(one) && one["type"] === "Ready" && one["status"] === "True");
  return {
    name: metadata["name"],
    isServer: SERVER_LABELS.some((label) => Object.hasOwn(labels, label)),
    takesPods: isReady && spec["unschedulable"] !== true,
  };
}
