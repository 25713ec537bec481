/** A loopback port for a server that is stopped and started again on the same number. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below Linux's range for outgoing connections (32768 and up, net.ipv4.ip_local_port_range): while the server is down,
 * nobody's outgoing connection can take the number.
 */
const LOWEST_PORT = 20_000;
const BEYOND_HIGHEST_PORT = 32_768;
const ATTEMPTS = 50;

/** @returns a port of 127.0.0.1 on which nobody listens at this moment */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, BEYOND_HIGHEST_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port on 127.0.0.1 in ${ATTEMPTS} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
