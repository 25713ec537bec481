/** From what lies on this machine to a client of its cluster's API server. */
import { chooseProxy, type ProxyEnvironment } from "@rancheros/protocol/proxies";

import { NodeApiError } from "./errors.ts";
import { findKubeconfigs, type KubeconfigSearch } from "./find-kubeconfig.ts";
import type { Kubeconfig } from "./kubeconfig.ts";
import { createClient, type ClientOutside, type KubernetesClient } from "./kubernetes-client.ts";

/** Of the environment KUBECONFIG is read, and the proxy variables where the kubeconfig names no proxy. */
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
      const client = await createClient(outside, viaProxy(found(), options.environment ?? {}));
      for (const problem of problems) options.onSkipped?.(problem);
      return client;
    } catch (error) {
      if (!(error instanceof NodeApiError)) throw error;
      problems.push(error);
    }
  }
  throw problems[0] ?? new NodeApiError("KUBECONFIG_MISSING", "there is no kubeconfig");
}

/** As kubectl does it. */
function viaProxy(kubeconfig: Kubeconfig, environment: ProxyEnvironment): Kubeconfig {
  if (kubeconfig.proxy !== undefined) return kubeconfig;
  const choice = chooseProxy(kubeconfig.server, environment);
  if (choice.kind === "direct") return kubeconfig;
  if (choice.kind === "proxy") return { ...kubeconfig, proxy: choice.proxy };
  throw new NodeApiError("KUBECONFIG_INVALID", `${choice.variable} is not the address of an HTTP proxy`);
}
