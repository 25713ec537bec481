/** Looks for the DaemonSets that pods of a node belong to. */
import { NodeApiError, isPassing, type KubernetesClient } from "../kubernetes/index.ts";
import type { PodName } from "./node-pod.ts";
import { daemonSetKey, type DaemonSetState } from "./pod-filters.ts";
import { createSlots } from "./slots.ts";

const LOOK_UPS_AT_ONE_TIME = 8;

/**
 * @returns by daemonSetKey
 * @throws NodeApiError where trying again may help: a DaemonSet that nobody saw decides nothing
 */
export async function lookUpDaemonSets(
  client: KubernetesClient,
  names: readonly PodName[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, DaemonSetState>> {
  const inTurn = createSlots(LOOK_UPS_AT_ONE_TIME);
  const states = await Promise.all(
    names.map((name) => inTurn(async () => [daemonSetKey(name), await lookUpDaemonSet(client, name, signal)] as const)),
  );
  return new Map(states);
}

async function lookUpDaemonSet(
  client: KubernetesClient,
  { namespace, name }: PodName,
  signal: AbortSignal,
): Promise<DaemonSetState> {
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`;
  try {
    await client.send({ method: "GET", path, signal });
    return { kind: "there" };
  } catch (error) {
    if (!(error instanceof NodeApiError) || isPassing(error) || error.code === "NODE_API_INTERRUPTED") throw error;
    if (error.code === "NODE_API_NOT_FOUND") return { kind: "missing", message: error.message };
    if (error.code === "NODE_API_FORBIDDEN" && client.identity.kind === "kubelet") return { kind: "hidden" };
    return { kind: "unknown", message: error.message };
  }
}
