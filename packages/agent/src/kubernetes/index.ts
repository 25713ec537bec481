/** The API server of this machine's cluster: found, logged in at with what the node has, asked. */
import { hostname } from "./io/hostname.ts";
import { openConnection } from "./io/https-connection.ts";
import { pairRefusal } from "./io/pair-refusal.ts";
import { readSmallFile } from "./io/read-file.ts";
import { connectThrough, type ConnectOptions } from "./connect-kubernetes.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";
import { findOwnNode, type OwnNodeSearch } from "./own-node.ts";

const OUTSIDE = {
  readFile: readSmallFile,
  wallMs: Date.now,
  pairRefusal,
  nowMs: () => performance.now(),
  openConnection,
};

/**
 * Finds a kubeconfig and makes a client of it; sends nothing yet. To be closed.
 * @throws NodeApiError KUBECONFIG_...
 */
export function connectKubernetes(options: ConnectOptions): Promise<KubernetesClient> {
  return connectThrough(OUTSIDE, options);
}

/**
 * Which node of the cluster this machine is: by the kubelet's identity, otherwise by host name.
 * @throws NodeApiError NODE_NAME_UNKNOWN, and as send
 */
export function ownNodeName(client: KubernetesClient, search: Omit<OwnNodeSearch, "hostname">): Promise<string> {
  return findOwnNode(OUTSIDE, client, { ...search, hostname: hostname() });
}

export { askedAgain } from "./asked-again.ts";
export type { ApiStatus, StatusCause } from "./api-status.ts";
export type { ConnectOptions } from "./connect-kubernetes.ts";
export type { Identity } from "./credentials.ts";
export { NODE_API_ERRORS, NodeApiError, isPassing } from "./errors.ts";
export type { NodeApiErrorCode } from "./errors.ts";
export { ADMIN_KUBECONFIGS, KUBELET_KUBECONFIGS } from "./find-kubeconfig.ts";
export type { KubeconfigSearch } from "./find-kubeconfig.ts";
export { isMap } from "./is-map.ts";
export { DEFAULT_REQUEST_TIMEOUT_MS } from "./kubernetes-client.ts";
export type { ApiRequest, KubernetesClient } from "./kubernetes-client.ts";
export { listAll, listPages, listVersioned } from "./list-all.ts";
export type { ListRequest } from "./list-all.ts";
