/** A kubeconfig whose CA may be any certificate, as client-go takes it: an intermediate one, or the API server's own. */
import { KubeConfig } from "@kubernetes/client-node";

type Dispatching = KubeConfig["createDispatcherOptions"];

/** The library says nothing of chains that end before a root, and OpenSSL alone wants a self-signed certificate there. */
export class TrustingKubeConfig extends KubeConfig {
  override createDispatcherOptions(...[cluster, agent]: Parameters<Dispatching>): ReturnType<Dispatching> {
    const options = super.createDispatcherOptions(cluster, agent);
    if (agent.ca === undefined || options.type === "none") return options;
    const allowPartialTrustChain = true;
    if (options.type === "agent") return { ...options, connect: { ...options.connect, allowPartialTrustChain } };
    return { ...options, requestTls: { ...options.requestTls, allowPartialTrustChain } };
  }
}
