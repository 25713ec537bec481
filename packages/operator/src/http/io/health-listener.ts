/** /healthz, /readyz and /metrics, on a listener of their own. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ListenAddress } from "../listen-address.ts";
import { CHECK_INTERVAL_MS, CONNECTION_LIMIT, KEEP_ALIVE_MS } from "../limits.ts";
import { endAnswer, HEARD, onRequest } from "./answer-turns.ts";
import { listen } from "./listen.ts";

/** A probe is one small request; who takes longer keeps others' connections from the process. */
const REQUEST_MS = 5_000;
const LIMITS = {
  ...HEARD,
  headersTimeout: REQUEST_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
} as const;

export interface HealthListener {
  readonly address: AddressInfo;
  stop(): void;
}

/** What a scraper is given. */
export interface MetricsPage {
  readonly contentType: string;
  /** Bytes are held once, however many do not take them. */
  readonly text: string | Buffer;
}

function answer(
  response: ServerResponse,
  status: number,
  text: string | Buffer,
  contentType = "text/plain; charset=utf-8",
) {
  response.writeHead(status, { "content-type": contentType });
  endAnswer(response, text);
}

/**
 * Ends the oldest connection where there are more than so many. maxConnections would end the newest one: the kubelet's
 * probe, upon which it restarts an operator that is well.
 */
function keepNewest(server: Server, connectionLimit: number): void {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    if (open.size <= connectionLimit) return;
    for (const oldest of open) {
      open.delete(oldest);
      oldest.destroy();
      return;
    }
  });
}

/**
 * @param notReady  what is missing before machines can be served; empty when nothing is
 * @param metrics   content of /metrics
 * @param connectionLimit  how many connections may be open; one more ends the oldest
 */
export async function listenForHealth(
  where: ListenAddress,
  notReady: () => readonly string[],
  metrics: () => Promise<MetricsPage>,
  connectionLimit = CONNECTION_LIMIT,
): Promise<HealthListener> {
  const server = createServer(LIMITS);
  onRequest(server, (request, response) => {
    if (request.url === "/metrics") {
      metrics().then(
        ({ contentType, text }) => answer(response, 200, text, contentType),
        () => answer(response, 500, "the metrics cannot be read\n"),
      );
      return;
    }
    const missing = request.url === "/readyz" ? notReady() : [];
    if (request.url !== "/readyz" && request.url !== "/healthz") answer(response, 404, "not found\n");
    else if (missing.length === 0) answer(response, 200, "ok\n");
    else answer(response, 503, `not ready: ${missing.join(", ")}\n`);
  });
  keepNewest(server, connectionLimit);
  const address = await listen(server, where, "health-listen");
  return { address, stop: () => void server.close() };
}
