/** Serves machines on connections that somebody else brings: those that come through Rancher's tunnel. */
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { SERVER_LIMITS, serveMachines, type MachineHandlers } from "./machine-server.ts";

const LOOK_MS = 20;

export interface TunnelledMachines {
  /** @param stream  with a socket's setTimeout and remoteAddress */
  accept(stream: Duplex): void;
  /** From now on each connection ends with its next answer; new ones are taken still. */
  endConnections(): void;
  /** Settles when all connections are gone or the grace is over. */
  stop(graceMs: number): Promise<void>;
}

export function serveTunnelledMachines(handlers: MachineHandlers): TunnelledMachines {
  const server = createServer(SERVER_LIMITS);
  const serving = serveMachines(server, handlers);
  const open = new Set<Duplex>();
  // It listens nowhere. Node looks for connections that are too slow only from this event on.
  server.emit("listening");

  return {
    accept(stream) {
      open.add(stream);
      stream.once("close", () => open.delete(stream));
      server.emit("connection", stream);
    },
    endConnections: () => serving.endConnections(),
    async stop(graceMs) {
      serving.closeVisits();
      const endMs = performance.now() + graceMs;
      while (open.size > 0 && performance.now() < endMs) {
        server.closeIdleConnections();
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      for (const stream of open) stream.destroy();
      // Ends the look for slow connections; that it never listened is no trouble.
      server.close(() => undefined);
    },
  };
}
