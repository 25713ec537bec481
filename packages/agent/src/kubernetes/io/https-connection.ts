/** HTTPS requests to one server over kept connections: bounded in size and number, redirects not followed. */
import { request as httpsRequest, type Agent, type AgentOptions } from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";

import { answerTo, StaleConnection, TunnelAgent } from "../../http/index.ts";
import type { RawAnswer } from "../api-answer.ts";

export interface ConnectionOptions {
  /** PEM of the only CAs to trust; undefined for those that Node brings along. */
  readonly ca: string | undefined;
  /** PEM */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | undefined;
  /** Whoever answers is believed to be the server. */
  readonly skipTlsVerify: boolean;
  readonly tlsServerName: string | undefined;
  readonly proxy: URL | undefined;
}

export interface HttpsRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpsConnection {
  /** @throws what node:https throws, and the signal's reason when it was given */
  request(request: HttpsRequest): Promise<RawAnswer | "flooded">;
  close(): void;
}

/** As many requests as are under way at one time, others wait for their turn. */
const MAX_CONNECTIONS = 16;

export function openConnection(options: ConnectionOptions): HttpsConnection {
  const { ca, clientCertificate, skipTlsVerify, tlsServerName, proxy } = options;
  const agent = new TunnelAgent({
    keepAlive: true,
    maxSockets: MAX_CONNECTIONS,
    minVersion: "TLSv1.2",
    rejectUnauthorized: !skipTlsVerify,
    proxy,
    // To client-go it is known by the same CA.
    proxyCa: ca,
    // As with client-go, trust begins at whichever certificate is given; OpenSSL alone wants a self-signed one.
    ...(ca === undefined ? {} : { ca, allowPartialTrustChain: true }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.certificate, key: clientCertificate.key }),
    ...(tlsServerName === undefined ? {} : namedAs(tlsServerName)),
  });
  return {
    async request(request) {
      try {
        return await send(agent, request);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
        // What changes something may have been done before the connection broke: that is for the caller to find out.
        if (request.method !== "GET") throw error.cause;
        return send(agent, request);
      }
    },
    close: () => agent.destroy(),
  };
}

/** An address is no name to be asked for in TLS (RFC 6066, 3), and Node refuses it there: it is only what the certificate has to be for. */
function namedAs(tlsServerName: string): AgentOptions {
  if (isIP(tlsServerName) === 0) return { servername: tlsServerName };
  return {
    servername: "",
    checkServerIdentity: (_host, certificate) => checkServerIdentity(tlsServerName, certificate),
  };
}

async function send(agent: Agent, request: HttpsRequest): Promise<RawAnswer | "flooded"> {
  const { method, url, headers, body, signal, maxBodyBytes } = request;
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const outgoing = httpsRequest(url, { agent, method, signal, headers: { ...headers, ...length } });
  const answered = answerTo(outgoing, signal);
  outgoing.end(body);
  const response = await answered;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(part);
    bytes += part.length;
    // Leaving the loop destroys the stream.
    if (bytes > maxBodyBytes) return "flooded";
  }
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers["retry-after"],
    date: response.headers.date,
    body: Buffer.concat(chunks),
  };
}
