/** From what lies on this machine to a client of its cluster's API server. */
import { NodeApiError } from "./errors.ts";
import { findKubeconfigs, type KubeconfigSearch } from "./find-kubeconfig.ts";
import { createClient, type ClientOutside, type KubernetesClient } from "./kubernetes-client.ts";

export interface ConnectOptions extends KubeconfigSearch {
  /** Told of each kubeconfig that was found by itself and is of no use, such as an administrator's that expired. */
  readonly onSkipped?: (problem: NodeApiError) => void;
}

/**
 * Takes the first kubeconfig that can be used. Sends nothing yet.
 * @throws NodeApiError of the first one where none can be used; KUBECONFIG_MISSING
 */
export async function connectThrough(outside: ClientOutside, options: ConnectOptions): Promise<KubernetesClient> {
  const problems: NodeApiError[] = [];
  for (const found of await findKubeconfigs(outside, options)) {
    try {
      const client = await createClient(outside, found());
      for (const problem of problems) options.onSkipped?.(problem);
      return client;
    } catch (error) {
      if (!(error instanceof NodeApiError)) throw error;
      problems.push(error);
    }
  }
  throw problems[0] ?? new NodeApiError("KUBECONFIG_MISSING", "there is no kubeconfig");
}
