/** Which node of its cluster this machine is. */
import { readIdentity, type CredentialsOutside } from "./credentials.ts";
import { NodeApiError } from "./errors.ts";
import { findKubeletKubeconfigs } from "./find-kubeconfig.ts";
import { isMap } from "./is-map.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";
import { listAll } from "./list-all.ts";

export interface OwnNodeSearch {
  /** Where the host's / is. */
  readonly hostRoot: string;
  readonly hostname: string;
  readonly signal: AbortSignal;
}

/**
 * The kubelet's identity tells for sure; where there is none, the node that has this machine's host name.
 * @returns name of a Node
 * @throws NodeApiError NODE_NAME_UNKNOWN, and as send
 */
export async function findOwnNode(
  outside: Pick<CredentialsOutside, "readFile">,
  client: KubernetesClient,
  search: OwnNodeSearch,
): Promise<string> {
  if (client.identity.kind === "kubelet") return client.identity.nodeName;
  const nodeName = await readKubeletNodeName(outside, search.hostRoot);
  return nodeName ?? findByHostname(client, search);
}

/** @returns undefined where no kubelet's kubeconfig tells */
async function readKubeletNodeName(
  outside: Pick<CredentialsOutside, "readFile">,
  hostRoot: string,
): Promise<string | undefined> {
  for (const found of await findKubeletKubeconfigs(outside, hostRoot)) {
    try {
      const identity = await readIdentity(outside, found());
      if (identity.kind === "kubelet") return identity.nodeName;
    } catch (error) {
      // One that is broken tells nothing; the next one may.
      if (!(error instanceof NodeApiError)) throw error;
    }
  }
  return undefined;
}

async function findByHostname(client: KubernetesClient, { hostname, signal }: OwnNodeSearch): Promise<string> {
  // Kubelets write their host name in small letters.
  const name = hostname.trim().toLowerCase();
  const nodes = await listAll(client, {
    path: "/api/v1/nodes",
    accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    signal,
    parseItem: readNodeNames,
  });
  const byName = nodes.find((node) => node.name === name);
  const byLabel = nodes.filter((node) => node.hostname === name);
  const found = byName ?? (byLabel.length === 1 ? byLabel[0] : undefined);
  if (found !== undefined) return found.name;
  throw new NodeApiError("NODE_NAME_UNKNOWN", `no node of the cluster has this machine's host name ${name}`);
}

interface NodeNames {
  readonly name: string;
  readonly hostname: string | undefined;
}

function readNodeNames(node: unknown): NodeNames {
  const metadata = isMap(node) ? node["metadata"] : undefined;
  if (!isMap(metadata) || typeof metadata["name"] !== "string") {
    throw new NodeApiError("NODE_API_NONSENSE", "the API server lists a node without a name");
  }
  const labels = isMap(metadata["labels"]) ? metadata["labels"] : {};
  const hostname = labels["kubernetes.io/hostname"];
  return { name: metadata["name"], hostname: typeof hostname === "string" ? hostname.toLowerCase() : undefined };
}
