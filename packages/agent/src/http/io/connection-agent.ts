/** Node's agents for one connection, with the proxy and the CAs that were decided on. */
import { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent, AgentOptions } from "node:https";

import { trustProxy } from "./proxy-tls.ts";
import { TunnelAgent } from "./tunnel-agent.ts";

export interface Route {
  /** http or https */
  readonly url: URL;
  readonly proxy: URL | undefined;
  /** PEM of the only CAs to trust; `undefined` for those that Node brings along. */
  readonly ca: string | undefined;
  /** PEM of CAs by which a proxy that speaks TLS is known besides the system's. */
  readonly proxyCa?: string | undefined;
  /** Without verification whoever answers is believed to be the server: for what is checked otherwise only. */
  readonly verification: "certificate" | "none";
}

/**
 * The choice of the proxy is not Node's here, so that errors can name it and that it is the same as rancherd's.
 * @param extra  for connections that serve several requests
 */
export function connectionAgent(route: Route, extra: AgentOptions = {}): HttpAgent | HttpsAgent {
  const { proxy, ca, proxyCa } = route;
  if (route.url.protocol === "http:") {
    trustProxy(proxy);
    const proxyEnv = proxy === undefined ? {} : { HTTP_PROXY: proxy.href };
    return new HttpAgent({ keepAlive: extra.keepAlive ?? false, proxyEnv });
  }
  return new TunnelAgent({
    ...extra,
    proxy,
    proxyCa,
    minVersion: "TLSv1.2",
    rejectUnauthorized: route.verification === "certificate",
    // As with rancherd, trust begins at whichever certificate is given; OpenSSL alone wants a self-signed one.
    ...(ca === undefined ? {} : { ca, allowPartialTrustChain: true }),
  });
}
