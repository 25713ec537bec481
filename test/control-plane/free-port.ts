/** A loopback port for a server that is stopped and started again on the same number. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type ListenOptions, type Server } from "node:net";

/**
 * Below Linux's range for outgoing connections (32768 and up, net.ipv4.ip_local_port_range): while the server is down,
 * nobody's outgoing connection can take the number.
 */
const LOWEST_PORT = 20_000;
const BEYOND_HIGHEST_PORT = 32_768;
const ATTEMPTS = 50;

/**
 * @returns a port of 127.0.0.1 on which nobody listens at this moment, and which no other test process on this machine is
 * given as long as this one lives
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, BEYOND_HIGHEST_PORT);
    const claim = await listen({ path: `\0rancheros-test-port-${port}` });
    if (claim === undefined) continue;
    // Gone with the process, however that ends: an abstract name leaves no file.
    claim.unref();
    if (await isFree(port)) return port;
    claim.close();
  }
  throw new Error(`found no free port on 127.0.0.1 in ${ATTEMPTS} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen({ port, host: "127.0.0.1" });
  if (server === undefined) return false;
  server.close();
  await once(server, "close");
  return true;
}

/** @returns undefined where somebody else listens there */
async function listen(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(where);
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}
