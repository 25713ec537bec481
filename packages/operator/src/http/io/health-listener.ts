/** /healthz, /readyz and /metrics, on a listener of their own. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "../listen-address.ts";
import { CHECK_INTERVAL_MS, CONNECTION_LIMIT, KEEP_ALIVE_MS } from "../limits.ts";
import { listen } from "./listen.ts";

/** A probe is one small request; who takes longer keeps others' connections from the process. */
const REQUEST_MS = 5_000;
const LIMITS = {
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
  readonly text: string;
}

function answer(response: ServerResponse, status: number, text: string, contentType = "text/plain; charset=utf-8") {
  response.writeHead(status, { "content-type": contentType });
  response.end(text);
}

/**
 * @param notReady  what is missing before machines can be served; empty when nothing is
 * @param metrics   content of /metrics
 */
export async function listenForHealth(
  where: ListenAddress,
  notReady: () => readonly string[],
  metrics: () => Promise<MetricsPage>,
): Promise<HealthListener> {
  const server = createServer(LIMITS, (request, response) => {
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
  server.maxConnections = CONNECTION_LIMIT;
  const address = await listen(server, where, "health-listen");
  return { address, stop: () => void server.close() };
}
