/**
 * A registry on this machine's loopback, for the time of one pull, that has one image and gets its layers from the real
 * one as they are asked for.
 *
 * Why: runtimes' programs take credentials as arguments or not at all, know neither rate limits nor the node's
 * registries.yaml, give up when a registry restarts, and say in English what went wrong. Here all of that is ours.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { RelayAnswer, RelayRequest } from "../relay-answer.ts";

export interface RelayHandlers {
  readonly answer: (request: RelayRequest) => RelayAnswer;
  readonly blob: (digest: string, fromBytes: number, bytes: number, signal: AbortSignal) => AsyncIterable<Buffer>;
  /** A blob could not be brought to its end, or something else not be answered. */
  readonly onFailure: (error: unknown) => void;
}

export interface RelayServer {
  /** 127.0.0.1:PORT */
  readonly host: string;
  readonly close: () => Promise<void>;
}

const MAX_CONNECTIONS = 64;

export async function startRelayServer(handlers: RelayHandlers): Promise<RelayServer> {
  const closing = new AbortController();
  const server = createServer((request, response) => {
    serve(request, response, handlers, closing.signal).catch((error: unknown) => {
      handlers.onFailure(error);
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = addressOf(server.address()).port;
  return {
    host: `127.0.0.1:${port}`,
    async close() {
      closing.abort();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address");
  return address;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: RelayHandlers,
  closing: AbortSignal,
): Promise<void> {
  const { method = "", url: path = "", headers } = request;
  const answer = handlers.answer({ method, path, authorization: headers.authorization, range: headers.range });
  if (answer.kind === "status") {
    const login = answer.status === 401 ? { "www-authenticate": 'Basic realm="ros-agent"' } : {};
    response.writeHead(answer.status, { "docker-distribution-api-version": "registry/2.0", ...login }).end();
    return;
  }
  if (answer.kind === "manifest") {
    const { bytes, mediaType, digest } = answer;
    response.writeHead(200, {
      "docker-content-digest": digest,
      "content-type": mediaType,
      "content-length": bytes.length,
    });
    response.end(method === "HEAD" ? undefined : bytes);
    return;
  }
  await serveBlob(answer, method, response, handlers, closing);
}

async function serveBlob(
  answer: Extract<RelayAnswer, { readonly kind: "blob" }>,
  method: string,
  response: ServerResponse,
  handlers: RelayHandlers,
  closing: AbortSignal,
): Promise<void> {
  const { sizeBytes, fromBytes, partial, digest } = answer;
  const bytes = sizeBytes - fromBytes;
  response.writeHead(partial ? 206 : 200, {
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    "content-length": bytes,
    ...(partial ? { "content-range": `bytes ${fromBytes}-${sizeBytes - 1}/${sizeBytes}` } : {}),
  });
  if (method === "HEAD") {
    response.end();
    return;
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    for await (const piece of handlers.blob(digest, fromBytes, bytes, AbortSignal.any([gone.signal, closing]))) {
      if (!response.write(piece)) await once(response, "drain", { signal: gone.signal }).catch(() => undefined);
      if (gone.signal.aborted) return;
    }
    response.end();
  } catch (error) {
    // The caller going away is no failure of the registry.
    if (!gone.signal.aborted && !closing.aborted) handlers.onFailure(error);
    response.destroy();
  }
}
