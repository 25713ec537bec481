/** The first steps of a connection, one at a time. */
import { once } from "node:events";
import { lookup } from "node:dns/promises";
import { connect } from "node:net";

/** As every program of this machine finds a name: /etc/hosts too. @throws what node:dns throws */
export async function lookUp(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}

/** Whether somebody takes a TCP connection. @throws what node:net throws, and an AbortError when the signal was given */
export async function dial(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port, signal });
  try {
    await once(socket, "connect", { signal });
  } finally {
    socket.destroy();
  }
}
