/** A kubeconfig whose CA may be any certificate, as client-go takes it: an intermediate one, or the API server's own. */
import { getCACertificates } from "node:tls";
import { KubeConfig, type RequestContext } from "@kubernetes/client-node";
import { ProxyAgent } from "undici";

type Dispatching = KubeConfig["createDispatcherOptions"];

/** The library says nothing of chains that end before a root, and OpenSSL alone wants a self-signed certificate there. */
export class TrustingKubeConfig extends KubeConfig {
  #viaProxy: ProxyAgent.Options | undefined;

  override createDispatcherOptions(...[cluster, agent]: Parameters<Dispatching>): ReturnType<Dispatching> {
    const options = super.createDispatcherOptions(cluster, agent);
    if (agent.ca === undefined || options.type === "none") return options;
    const allowPartialTrustChain = true;
    if (options.type === "agent") return { ...options, connect: { ...options.connect, allowPartialTrustChain } };
    const { timeout: _timeout, port: _port, ...tls } = options.requestTls;
    const trusting = { ...options, requestTls: { ...tls, allowPartialTrustChain } };
    // To client-go the proxy is known by the same CA.
    const proxyTls = { ca: [...getCACertificates("default"), agent.ca].flat(), allowPartialTrustChain };
    const { uri, requestTls } = trusting;
    if (trusting.type === "proxy") this.#viaProxy = { uri, requestTls, proxyTls };
    return trusting;
  }

  /** The library has no words for what a proxy is known by. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    const options = this.#viaProxy;
    if (options === undefined) return;
    const unused = context.getDispatcher();
    context.setDispatcher(new ProxyAgent(options));
    await unused?.close();
  }
}
