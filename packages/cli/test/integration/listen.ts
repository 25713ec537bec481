/** A server on a port of its own. */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Server } from "node:net";

/** @returns the same server, when it listens on loopback */
export async function listen<S extends Server | HttpServer>(server: S): Promise<S> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
