/** The listeners that machines reach. */
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { HANDSHAKE_TIMEOUT_MS } from "@rancheros/protocol/messages";
import { CONNECTION_LIMIT } from "../limits.ts";
import type { ListenAddress } from "../listen-address.ts";
import { TLS_MIN_VERSION } from "./given-certificate.ts";
import { shareConnections } from "./connection-shares.ts";
import { listen } from "./listen.ts";
import { SERVER_LIMITS, serveMachines, type MachineHandlers } from "./machine-server.ts";

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

export interface MachineListener {
  readonly address: AddressInfo;
  /** Takes new TLS material for connections from now on. */
  setTls(tls: TlsMaterial): void;
  /** From now on each connection ends with its next answer; new ones are taken still. */
  endConnections(): void;
  /** Stops taking requests; settles when all connections are gone or the grace is over. */
  stop(graceMs: number): Promise<void>;
}

function isHttps(server: Server | HttpsServer): server is HttpsServer {
  return "setSecureContext" in server;
}

/**
 * @param tls              undefined for a listener without TLS
 * @param connectionLimit  how many connections may be open
 */
export async function listenForMachines(
  where: ListenAddress,
  tls: TlsMaterial | undefined,
  handlers: MachineHandlers,
  connectionLimit = CONNECTION_LIMIT,
): Promise<MachineListener> {
  const server =
    tls === undefined
      ? createHttpServer(SERVER_LIMITS)
      : createHttpsServer({
          ...SERVER_LIMITS,
          ...tls,
          minVersion: TLS_MIN_VERSION,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        });
  shareConnections(server, connectionLimit);
  const serving = serveMachines(server, handlers);
  const address = await listen(server, where, tls === undefined ? "http-listen" : "https-listen");

  return {
    address,
    setTls: (material) => {
      if (isHttps(server)) server.setSecureContext({ ...material, minVersion: TLS_MIN_VERSION });
    },
    endConnections: () => serving.endConnections(),
    async stop(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      serving.closeVisits();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, graceMs + 200).unref())]);
      clearTimeout(timer);
    },
  };
}
