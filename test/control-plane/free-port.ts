/** Loopback ports for servers that listen on them later, or are stopped and started again on the same number. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type ListenOptions, type Server } from "node:net";

export interface PortRange {
  readonly lowest: number;
  readonly beyondHighest: number;
}

/**
 * Below Linux's range for outgoing connections (32768 and up, net.ipv4.ip_local_port_range): while the server is down,
 * nobody's outgoing connection can take the number.
 */
const RANGE: PortRange = { lowest: 20_000, beyondHighest: 32_768 };
const ATTEMPTS = 50;

/**
 * @returns a port of 127.0.0.1 on which nobody listens at this moment, and which no other test process on this machine is
 * given as long as this one lives
 */
export async function findFreePort(range = RANGE): Promise<number> {
  return findInARow(1, range);
}

/** @returns the same of two ports side by side, of which it is the first; swtpm's TCTI takes the second to be the next one */
export async function findPortPair(range = RANGE): Promise<number> {
  return findInARow(2, range);
}

async function findInARow(count: number, { lowest, beyondHighest }: PortRange): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = randomInt(lowest, beyondHighest - count + 1);
    if (await claimAll(Array.from({ length: count }, (_, index) => first + index))) return first;
  }
  throw new Error(`found no free port on 127.0.0.1 in ${ATTEMPTS} attempts`);
}

/** @returns whether all of them are free, and ours from now on */
async function claimAll(ports: readonly number[]): Promise<boolean> {
  const claims: Server[] = [];
  for (const port of ports) {
    // Gone with the process, however that ends: an abstract name leaves no file.
    const claim = await listen({ path: `\0rancheros-test-port-${port}` });
    claim?.unref();
    if (claim !== undefined) claims.push(claim);
    if (claim !== undefined && (await isFree(port))) continue;
    for (const one of claims) one.close();
    return false;
  }
  return true;
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
