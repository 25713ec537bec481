/** One GET to a registry, whose answer is read as it comes: the environment's proxy, the CAs that were set, silence bounded. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

import { chooseProxy, type ProxyEnvironment } from "@rancheros/protocol/proxies";

import { answerTo, TunnelAgent, trustProxy } from "../../http/index.ts";
import { ImagePullError } from "../errors.ts";
import { connectionFailure, proxyRefusal } from "../registry-failure.ts";

export interface TlsMaterial {
  /** PEM of all CAs to trust; undefined for those that Node brings along. */
  readonly ca: readonly string[] | undefined;
  /** PEM of those that were given for this registry, by which a proxy that speaks TLS is known besides the system's. */
  readonly proxyCa?: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly skipVerify: boolean;
}

export interface RegistryRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  readonly environment: ProxyEnvironment;
  readonly signal: AbortSignal;
  /** Longest time in which nothing comes. */
  readonly silenceMs: number;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Throws ImagePullError where it breaks off. Ending the loop ends the connection. */
  readonly body: AsyncIterable<Buffer>;
  readonly close: () => void;
}

/** @throws ImagePullError IMAGE_REGISTRY_UNREACHABLE and the like; IMAGE_INTERRUPTED */
export async function registryRequest(options: RegistryRequest): Promise<RegistryAnswer> {
  const { url, headers, signal, silenceMs } = options;
  const proxy = proxyOf(options);
  const agent = agentFor(options, proxy);
  try {
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    const sent = send(url, { agent, signal, headers: { ...headers, "user-agent": "ros-agent" } }).end();
    sent.setTimeout(silenceMs, () => sent.destroy(silent(url.host, silenceMs)));
    const response = await answerTo(sent, signal);
    // Without TLS the proxy answers in the registry's place.
    if (proxy !== undefined && response.statusCode === 407) throw proxyRefusal(407, url.host, proxy);
    return {
      status: response.statusCode ?? 0,
      header: (name) => {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      },
      body: bodyOf(response, agent, (cause) => failure(cause, options, proxy)),
      close: () => {
        response.destroy();
        agent.destroy();
      },
    };
  } catch (cause) {
    agent.destroy();
    throw failure(cause, options, proxy);
  }
}

async function* bodyOf(
  response: IncomingMessage,
  agent: HttpAgent,
  translate: (cause: unknown) => ImagePullError,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
  } catch (cause) {
    throw translate(cause);
  } finally {
    agent.destroy();
  }
}

function failure(cause: unknown, { url, signal }: RegistryRequest, proxy: URL | undefined): ImagePullError {
  if (signal.aborted) return new ImagePullError("IMAGE_INTERRUPTED", "the pull was broken off", { cause });
  return connectionFailure(cause, url.host, proxy);
}

function silent(host: string, silenceMs: number): ImagePullError {
  const message = `${host}: says nothing for ${Math.round(silenceMs / 1000)} s`;
  return new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", message, { details: { host } });
}

function proxyOf({ url, environment }: RegistryRequest): URL | undefined {
  const choice = chooseProxy(url, environment);
  if (choice.kind === "invalid") {
    // The value may hold a password, so it is not shown.
    const message = `${choice.variable} is not the address of an HTTP proxy`;
    throw new ImagePullError("IMAGE_REGISTRY_UNREACHABLE", message, { retry: "never" });
  }
  return choice.kind === "proxy" ? choice.proxy : undefined;
}

function agentFor({ url, tls, silenceMs }: RegistryRequest, proxy: URL | undefined): HttpAgent {
  if (url.protocol === "http:") {
    trustProxy(proxy);
    return new HttpAgent({ proxyEnv: proxy === undefined ? {} : { HTTP_PROXY: proxy.href } });
  }
  return new TunnelAgent({
    proxy,
    proxyCa: tls.proxyCa,
    tunnelMs: silenceMs,
    minVersion: "TLSv1.2",
    rejectUnauthorized: !tls.skipVerify,
    // As with containerd, trust begins at whichever certificate is given; OpenSSL alone wants a self-signed one.
    ...(tls.ca === undefined ? {} : { ca: [...tls.ca], allowPartialTrustChain: true }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  });
}
