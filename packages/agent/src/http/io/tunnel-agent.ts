/** Node's agent for HTTPS, whose connections through a proxy are bounded while they are made. */
import { Agent, type AgentOptions, type RequestOptions } from "node:https";
import type { Duplex } from "node:stream";
import { createSecureContext } from "node:tls";

import { noteProxyError, trustProxy, withProxyCas } from "./proxy-tls.ts";

export interface TunnelOptions extends AgentOptions {
  /** undefined: none. The environment is not asked. */
  readonly proxy: URL | undefined;
  /** PEM of CAs by which a proxy that speaks TLS is known besides the system's. */
  readonly proxyCa?: string | undefined;
  /** For the proxy's answer and the handshake with the server behind it; default TUNNEL_MS. */
  readonly tunnelMs?: number;
}

const TUNNEL_MS = 30_000;

/**
 * Through a proxy Node gives a request its connection only after the handshake with the server: until then neither the
 * request's time-out, nor its signal, nor the end of Node's own agent reaches what is being made.
 */
export class TunnelAgent extends Agent {
  readonly #tunnelMs: number | undefined;
  readonly #isProxyTls: boolean;
  readonly #proxyCa: string | undefined;
  readonly #making = new Set<(code: string) => void>();

  constructor({ proxy, proxyCa, tunnelMs = TUNNEL_MS, ...options }: TunnelOptions) {
    trustProxy(proxy);
    super({ ...options, proxyEnv: proxy === undefined ? {} : { HTTPS_PROXY: proxy.href } });
    this.#isProxyTls = proxy?.protocol === "https:";
    this.#proxyCa = this.#isProxyTls ? proxyCa : undefined;
    this.#tunnelMs = proxy === undefined ? undefined : tunnelMs;
  }

  override createConnection(
    options: RequestOptions,
    onMade?: (error: Error | null, connection: Duplex) => void,
  ): Duplex | null | undefined {
    if (this.#tunnelMs === undefined || onMade === undefined) return super.createConnection(options, onMade);
    // Behind the proxy's answer nobody catches what OpenSSL says of a certificate; here it is thrown to who asks.
    const checked = { ...options, secureContext: createSecureContext(options) };
    let isGreeting = this.#isProxyTls;
    const toProxy = withProxyCas(this.#proxyCa, () =>
      super.createConnection(checked, (error, connection) => {
        settle();
        if (error !== null && isGreeting) noteProxyError(error);
        onMade(error, connection);
        // Node forgets it as it is, and a proxy that refused may keep it open for ever.
        if (error !== null) toProxy?.destroy();
      }),
    );
    toProxy?.once("secureConnect", () => (isGreeting = false));
    const giveUp = (code: string): void => {
      settle();
      // A handshake whose connection is taken away says nothing, so the request is told here.
      if (toProxy) onMade(Object.assign(new Error("there is no tunnel through the proxy"), { code }), toProxy);
      toProxy?.destroy();
    };
    const timer = setTimeout(giveUp, this.#tunnelMs, "ETIMEDOUT");
    const settle = (): void => {
      clearTimeout(timer);
      this.#making.delete(giveUp);
    };
    this.#making.add(giveUp);
    return toProxy;
  }

  /** Also what is still being made. */
  override destroy(): void {
    super.destroy();
    for (const giveUp of this.#making) giveUp("ECONNRESET");
  }
}
