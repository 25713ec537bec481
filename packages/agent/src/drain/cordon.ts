/** Keeps new pods off a node, and lets them come again. */
import { NodeApiError, isMap, type KubernetesClient } from "../kubernetes/index.ts";

export interface CordonOptions {
  /** The API server checks everything and changes nothing; "client": it is only read. */
  readonly dryRun?: "none" | "client" | "server";
  readonly signal: AbortSignal;
}

export interface CordonResult {
  /** Whether this very call changed it: who finds it so must not undo it. */
  readonly changed: boolean;
}

/** A node's status is written every few seconds, and each write may come between our reading and our writing. */
const MAX_ATTEMPTS = 8;

/** @throws NodeApiError, KUBECONFIG_OTHER_NODE among it */
export function cordonNode(client: KubernetesClient, nodeName: string, options: CordonOptions): Promise<CordonResult> {
  return setUnschedulable(client, nodeName, true, options);
}

/** @throws NodeApiError, KUBECONFIG_OTHER_NODE among it */
export function uncordonNode(
  client: KubernetesClient,
  nodeName: string,
  options: CordonOptions,
): Promise<CordonResult> {
  return setUnschedulable(client, nodeName, false, options);
}

/**
 * The kubelet's identity reaches its own node only, and the API server's refusal would not tell a person why.
 * @throws NodeApiError KUBECONFIG_OTHER_NODE
 */
export function requireOwnNode({ identity, kubeconfigPath }: KubernetesClient, nodeName: string): void {
  if (identity.kind !== "kubelet" || identity.nodeName === nodeName) return;
  const message = `the kubeconfig ${kubeconfigPath} is that of the node ${identity.nodeName}, and may not act on ${nodeName}`;
  throw new NodeApiError("KUBECONFIG_OTHER_NODE", message, { details: { path: kubeconfigPath, node: nodeName } });
}

async function setUnschedulable(
  client: KubernetesClient,
  nodeName: string,
  wanted: boolean,
  { dryRun = "none", signal }: CordonOptions,
): Promise<CordonResult> {
  requireOwnNode(client, nodeName);
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  for (let attempt = 1; ; attempt++) {
    const node = readNode(await client.send({ method: "GET", path, signal }));
    if (node.unschedulable === wanted) return { changed: false };
    if (dryRun === "client") return { changed: true };
    try {
      await client.send({
        method: "PATCH",
        path,
        contentType: "application/strategic-merge-patch+json",
        ...(dryRun === "server" ? { query: { dryRun: "All" } } : {}),
        // With the version that was read: that it was not so before is certain then, and the change is ours.
        body: { metadata: { resourceVersion: node.resourceVersion }, spec: { unschedulable: wanted ? true : null } },
        signal,
      });
      return { changed: true };
    } catch (error) {
      const isConflict = error instanceof NodeApiError && error.code === "NODE_API_CONFLICT";
      if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function readNode(node: unknown): { readonly unschedulable: boolean; readonly resourceVersion: string } {
  if (isMap(node) && isMap(node["metadata"]) && isMap(node["spec"])) {
    const { resourceVersion } = node["metadata"];
    const { unschedulable } = node["spec"];
    if (typeof resourceVersion === "string") return { unschedulable: unschedulable === true, resourceVersion };
  }
  throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no node");
}
