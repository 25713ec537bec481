/** Requests to registries: TLS with the administrator's CA beside the public ones, the environment's proxy, bounds. */
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { createGrowingBytes } from "@rancheros/protocol/bytes";
import { chooseProxy, type ProxyEnvironment } from "@rancheros/protocol/proxies";
import { Agent, Pool, ProxyAgent, request, type Dispatcher } from "undici";
import { orAborted } from "../../controller/index.ts";
import { readCaBundle } from "../ca-bundle.ts";
import { connectionFailure } from "../connection-failure.ts";
import { RegistryError } from "../errors.ts";
import type { RegistryAnswer, RegistryBlobs, RegistryRequest, RegistryStream } from "../registry-outside.ts";

export interface RegistryClientOptions {
  /** Content of --registry-ca. */
  readonly caPem: string | undefined;
  /** HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
  readonly environment: ProxyEnvironment;
}

export interface RegistryClient extends RegistryBlobs {
  /** Ends all connections. */
  close(): Promise<void>;
}

/** One registry gets no more connections of ours than these; more requests wait for each other. */
const MAX_CONNECTIONS = 4;
/** Beside these, so that long transfers keep no question waiting. */
const MAX_STREAMS = 32;
/** Between two pieces of a body. */
const STREAM_PAUSE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Rollouts ask seldom: nothing is gained by holding connections. */
const IDLE_MS = 2_000;

/** @throws RegistryError  REGISTRY_CA_INVALID */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const ca = [...getCACertificates("default"), ...(options.caPem === undefined ? [] : readCaBundle(options.caPem))];
  // Made once: reading some 150 certificates takes longer than a handshake.
  // As with Go's registries, trust begins at whichever certificate is given; OpenSSL alone wants a self-signed one.
  const tls = { secureContext: createSecureContext({ ca, allowPartialTrustChain: true }), timeout: CONNECT_TIMEOUT_MS };
  const pool = { connections: MAX_CONNECTIONS, keepAliveTimeout: IDLE_MS, allowH2: false };
  const questions = dispatchers(pool, tls);
  const streams = dispatchers({ ...pool, connections: MAX_STREAMS, bodyTimeout: STREAM_PAUSE_MS }, tls);

  async function send(asked: RegistryRequest): Promise<RegistryAnswer> {
    const proxy = proxyFor(asked.url, options.environment);
    const late = AbortSignal.timeout(Math.ceil(asked.timeoutMs));
    const signal = asked.signal === undefined ? late : AbortSignal.any([asked.signal, late]);
    try {
      const { method, headers } = asked;
      const dispatcher = questions.of(proxy);
      const response = await orAborted(request(asked.url, { method, headers, signal, dispatcher }), signal);
      const body = await readBody(response, asked);
      return { status: response.statusCode, headers: response.headers, body };
    } catch (cause) {
      throw connectionFailure(cause, { url: asked.url, proxy, signal: asked.signal });
    }
  }

  async function open(asked: Omit<RegistryRequest, "bodyLimitBytes">): Promise<RegistryStream> {
    const proxy = proxyFor(asked.url, options.environment);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(timeoutReason()), Math.ceil(asked.timeoutMs));
    const signal = asked.signal === undefined ? late.signal : AbortSignal.any([asked.signal, late.signal]);
    try {
      const { method, headers } = asked;
      const response = await orAborted(
        request(asked.url, { method, headers, signal, dispatcher: streams.of(proxy) }),
        signal,
      );
      return { status: response.statusCode, headers: response.headers, body: response.body };
    } catch (cause) {
      throw connectionFailure(cause, { url: asked.url, proxy, signal: asked.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    send,
    open,
    nowMs: () => performance.now(),
    async close() {
      await Promise.all([questions.close(), streams.close()]);
    },
  };
}

/** As AbortSignal.timeout gives it. */
function timeoutReason(): DOMException {
  return new DOMException("The operation was aborted due to timeout", "TimeoutError");
}

interface Dispatchers {
  of(proxy: URL | undefined): Dispatcher;
  close(): Promise<void>;
}

function dispatchers(pool: Agent.Options, tls: { readonly secureContext: SecureContext }): Dispatchers {
  const direct = new Agent({ ...pool, connect: tls });
  const toProxy: Omit<ProxyAgent.Options, "uri"> = {
    requestTls: tls,
    proxyTls: tls,
    // No signal ends a CONNECT: one without an answer would keep its place among the connections for five minutes.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
  };
  // At most two: there are two variables.
  const proxies = new Map<string, ProxyAgent>();
  return {
    of(proxy) {
      if (proxy === undefined) return direct;
      const held = proxies.get(proxy.href) ?? new ProxyAgent({ ...pool, ...toProxy, uri: proxy.href });
      proxies.set(proxy.href, held);
      return held;
    },
    async close() {
      await Promise.all([direct, ...proxies.values()].map((one) => one.destroy()));
    },
  };
}

function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const choice = chooseProxy(url, environment);
  if (choice.kind === "invalid") {
    throw new RegistryError("REGISTRY_PROXY_INVALID", `${choice.variable} is not the address of an HTTP proxy`);
  }
  return choice.kind === "proxy" ? choice.proxy : undefined;
}

/** What is too much is not read: leaving the loop ends the connection. */
async function readBody(response: Dispatcher.ResponseData, asked: RegistryRequest): Promise<Buffer> {
  const body = createGrowingBytes(asked.bodyLimitBytes);
  const pieces: AsyncIterable<Buffer> = response.body;
  for await (const piece of pieces) {
    if (body.append(piece)) continue;
    if (response.statusCode >= 400) break;
    const message = `${asked.url.host}: answers with more than ${asked.bodyLimitBytes} bytes`;
    throw new RegistryError("REGISTRY_NONSENSE", message);
  }
  return body.bytes();
}
