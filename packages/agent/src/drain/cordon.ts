/** Keeps new pods off a node, and lets them come again. */
import { NodeApiError, isMap, isPassing, type ApiRequest, type KubernetesClient } from "../kubernetes/index.ts";

export interface CordonOptions {
  /** The API server checks everything and changes nothing; "client": it is only read. */
  readonly dryRun?: "none" | "client" | "server";
  /** By this name the API server remembers who cordoned the node; FIELD_MANAGER where it is left out. */
  readonly fieldManager?: string | undefined;
  readonly signal: AbortSignal;
}

export interface CordonResult {
  /** Whether this very call changed it: who finds it so must not undo it. */
  readonly changed: boolean;
  /** The field manager that set it, as the API server keeps book; undefined where the node is not cordoned, or it is not told. */
  readonly setBy: string | undefined;
}

/** The agent's own, for upgrades: what bears another name, it does not lift. */
export const FIELD_MANAGER = "ros-agent";

/** A node's status is written every few seconds, and each write may come between our reading and our writing. */
const MAX_ATTEMPTS = 8;

/** @throws NodeApiError, KUBECONFIG_OTHER_NODE among it */
export function cordonNode(client: KubernetesClient, nodeName: string, options: CordonOptions): Promise<CordonResult> {
  return setUnschedulable(client, nodeName, true, wholeOptions(options));
}

/** @throws NodeApiError, KUBECONFIG_OTHER_NODE among it */
export function uncordonNode(
  client: KubernetesClient,
  nodeName: string,
  options: CordonOptions,
): Promise<CordonResult> {
  return setUnschedulable(client, nodeName, false, wholeOptions(options));
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

interface WholeOptions {
  readonly dryRun: "none" | "client" | "server";
  readonly fieldManager: string;
  readonly signal: AbortSignal;
}

function wholeOptions({ dryRun = "none", fieldManager = FIELD_MANAGER, signal }: CordonOptions): WholeOptions {
  return { dryRun, fieldManager, signal };
}

async function setUnschedulable(
  client: KubernetesClient,
  nodeName: string,
  wanted: boolean,
  { dryRun, fieldManager, signal }: WholeOptions,
): Promise<CordonResult> {
  requireOwnNode(client, nodeName);
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  let lostAnswer: NodeApiError | undefined;
  let mayBeOurs = false;
  for (let attempt = 1; ; attempt++) {
    const node = readNode(await client.send({ method: "GET", path, signal }));
    const { setBy } = node;
    if (node.unschedulable === wanted) {
      return { changed: mayBeOurs && (!wanted || setBy === fieldManager), setBy };
    }
    // It did not arrive, or not yet: the caller has the time to try again.
    if (lostAnswer !== undefined) throw lostAnswer;
    if (dryRun === "client") return { changed: true, setBy };
    try {
      await client.send(cordonRequest(path, node.resourceVersion, wanted, { dryRun, fieldManager, signal }));
      return { changed: true, setBy: wanted ? fieldManager : undefined };
    } catch (error) {
      if (!(error instanceof NodeApiError) || !isPassing(error) || attempt === MAX_ATTEMPTS) throw error;
      if (error.code !== "NODE_API_CONFLICT") lostAnswer = error;
      mayBeOurs ||= mayHaveArrived(error);
    }
  }
}

/** Nobody said whether it was done; or it was sent again within the client, and is in conflict with what the first sending did. */
function mayHaveArrived({ code, cause }: NodeApiError): boolean {
  return code !== "NODE_API_CONFLICT" || cause instanceof NodeApiError;
}

/** With the version that was read: that it was not so before is certain then, and the change is ours. */
function cordonRequest(
  path: string,
  resourceVersion: string,
  wanted: boolean,
  { dryRun, fieldManager, signal }: WholeOptions,
): ApiRequest {
  return {
    method: "PATCH",
    path,
    contentType: "application/strategic-merge-patch+json",
    query: { fieldManager, ...(dryRun === "server" ? { dryRun: "All" } : {}) },
    body: { metadata: { resourceVersion }, spec: { unschedulable: wanted ? true : null } },
    signal,
  };
}

interface CordonState {
  readonly unschedulable: boolean;
  readonly resourceVersion: string;
  readonly setBy: string | undefined;
}

function readNode(node: unknown): CordonState {
  if (isMap(node) && isMap(node["metadata"]) && isMap(node["spec"])) {
    const { resourceVersion, managedFields } = node["metadata"];
    const unschedulable = node["spec"]["unschedulable"] === true;
    const setBy = unschedulable ? managerOf(managedFields) : undefined;
    if (typeof resourceVersion === "string") return { unschedulable, resourceVersion, setBy };
  }
  throw new NodeApiError("NODE_API_NONSENSE", "the API server's answer is no node");
}

/** Source: meta/v1 ManagedFieldsEntry, FieldsV1 */
function managerOf(managedFields: unknown): string | undefined {
  const entries: readonly unknown[] = Array.isArray(managedFields) ? managedFields : [];
  const owner = entries.filter(isMap).find(({ fieldsV1 }) => {
    const spec = isMap(fieldsV1) ? fieldsV1["f:spec"] : undefined;
    return isMap(spec) && Object.hasOwn(spec, "f:unschedulable");
  });
  const manager = owner?.["manager"];
  return typeof manager === "string" ? manager : undefined;
}
