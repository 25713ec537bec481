/** /healthz and /readyz, on a listener of their own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "../listen-address.ts";
import { listen } from "./listen.ts";

export interface HealthListener {
  readonly address: AddressInfo;
  stop(): void;
}

/** @param notReady  what is missing before machines can be served; empty when nothing is */
export async function listenForHealth(
  where: ListenAddress,
  notReady: () => readonly string[],
): Promise<HealthListener> {
  const server = createServer((request, response) => {
    const missing = request.url === "/readyz" ? notReady() : [];
    const known = request.url === "/readyz" || request.url === "/healthz";
    const status = known ? (missing.length === 0 ? 200 : 503) : 404;
    const text = known ? (missing.length === 0 ? "ok" : `not ready: ${missing.join(", ")}`) : "not found";
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
    response.end(`${text}\n`);
  });
  const address = await listen(server, where, "health-listen");
  return { address, stop: () => void server.close() };
}
