/** One conversation with a server in plain requests: over one connection where that lasts, and with one TLS key in any case. */
import { X509Certificate } from "node:crypto";
import { request as httpRequest, type Agent, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { TLSSocket, checkServerIdentity } from "node:tls";

import { answerTo, connectionAgent, type Route, StaleConnection } from "../../http/index.ts";
import { RegistrationError } from "../errors.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { networkFailure } from "../network-failure.ts";
import { readAnswer } from "./http-get.ts";

export interface ServerRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for none. */
  readonly body: Buffer;
  /** What lies behind is left unread. */
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

export interface ServerAnswer extends HttpAnswer {
  /** SubjectPublicKeyInfo of the certificate that the server showed on this very connection; undefined without TLS. */
  readonly peerSpki: Buffer | undefined;
}

export interface ServerConnection {
  /**
   * Redirects are not followed.
   * @throws RegistrationError, also REGISTRATION_SERVER_KEY_CHANGED, before anything is sent; anything when the signal was given
   */
  send(request: ServerRequest): Promise<ServerAnswer>;
  close(): void;
}

/**
 * @param expectedSpki  the key that an earlier conversation saw; otherwise the first one that this one sees is kept to
 */
export function connectServer(route: Omit<Route, "verification">, expectedSpki?: Buffer): ServerConnection {
  const { url, proxy } = route;
  let expected = expectedSpki;
  const requireKey = (spki: Buffer): RegistrationError | undefined =>
    expected === undefined || expected.equals(spki) ? undefined : keyChanged(url);
  const agent = connectionAgent(
    { ...route, verification: "certificate" },
    {
      keepAlive: true,
      maxSockets: 1,
      // A resumed session shows no certificate of its own.
      maxCachedSessions: 0,
      checkServerIdentity: (host, certificate) =>
        checkServerIdentity(host, certificate) ?? requireKey(spkiOf(new X509Certificate(certificate.raw))),
    },
  );
  return {
    async send(request) {
      try {
        const response = await startUnlessStale(agent, request);
        const peerSpki = peerSpkiOf(response);
        if (peerSpki !== undefined) {
          const problem = requireKey(peerSpki);
          if (problem !== undefined) throw problem;
          expected = peerSpki;
        }
        return { ...(await readAnswer(response, request.maxBodyBytes)), peerSpki };
      } catch (error) {
        throw networkFailure(error, { server: url, proxy });
      }
    },
    close: () => agent.destroy(),
  };
}

async function startUnlessStale(agent: Agent, request: ServerRequest): Promise<IncomingMessage> {
  try {
    return await start(agent, request);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return start(agent, request);
  }
}

function start(agent: Agent, { method, url, headers, body, signal }: ServerRequest): Promise<IncomingMessage> {
  const begin = url.protocol === "http:" ? httpRequest : httpsRequest;
  const length = body.length === 0 ? {} : { "content-length": String(body.length) };
  const outgoing = begin(url, { agent, method, signal, headers: { ...headers, ...length } });
  const answered = answerTo(outgoing, signal);
  outgoing.end(body);
  return answered;
}

function peerSpkiOf(response: IncomingMessage): Buffer | undefined {
  const { socket } = response;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate === undefined ? undefined : spkiOf(certificate);
}

function spkiOf(certificate: X509Certificate): Buffer {
  return certificate.publicKey.export({ type: "spki", format: "der" });
}

function keyChanged(url: URL): RegistrationError {
  const message = `${url.host} showed another TLS key in the midst of the conversation`;
  return new RegistrationError("REGISTRATION_SERVER_KEY_CHANGED", message, { details: { host: url.host } });
}
