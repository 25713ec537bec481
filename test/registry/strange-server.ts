/** A server on loopback that says what a test wants, and remembers what it was asked. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { sendRequest } from "./send-request.ts";

export interface StrangeServer {
  /** 127.0.0.1:PORT */
  readonly host: string;
  readonly requests: readonly IncomingMessage[];
  readonly stop: () => Promise<void>;
}

/** @param certificate  with it: TLS */
export async function startStrangeServer(
  listener: RequestListener,
  certificate?: { readonly cert: string; readonly key: string; readonly ciphers?: string },
): Promise<StrangeServer> {
  const requests: IncomingMessage[] = [];
  const remember: RequestListener = (request, response) => {
    requests.push(request);
    listener(request, response);
  };
  const server = certificate === undefined ? createServer(remember) : createTlsServer(certificate, remember);
  return started(server, requests);
}

async function started(server: Server, requests: readonly IncomingMessage[]): Promise<StrangeServer> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Takes connections, and never says a word. */
export async function startSilentServer(): Promise<StrangeServer> {
  const server = createServer();
  server.removeAllListeners("connection");
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
  });
  const base = await started(server, []);
  return {
    ...base,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await base.stop();
    },
  };
}

export interface TestProxy extends StrangeServer {
  /** What it was asked to reach, in order. */
  readonly targets: readonly string[];
}

/**
 * An HTTP proxy that leads every name to one address, or lets nobody through.
 * @param certificate  with it: TLS
 */
export async function startProxy(
  target: string,
  refuse?: "refuse",
  certificate?: { readonly cert: string; readonly key: string },
): Promise<TestProxy> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url ?? "");
    targets.push(url.host);
    const headers = { accept: request.headers.accept ?? "" };
    sendRequest({ url: `http://${target}` }, { method: request.method ?? "", path: url.pathname, headers }).then(
      (answer) => response.writeHead(answer.status, answer.headers).end(answer.body),
      () => response.destroy(),
    );
  };
  const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    targets.push(request.url ?? "");
    if (refuse !== undefined) {
      client.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    const [host = "", port] = target.split(":");
    const upstream = connect(Number(port), host, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  const base = await started(server, []);
  return {
    ...base,
    targets,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await base.stop();
    },
  };
}
