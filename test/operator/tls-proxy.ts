/** A proxy that ends TLS with a certificate of its own and passes the bytes on, as a load balancer does. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";

export interface TlsProxy {
  readonly httpsUrl: string;
  stop(): Promise<void>;
}

/** @param behind  http address of the operator */
export async function startTlsProxy(
  behind: string,
  certificate: { readonly cert: string; readonly key: string },
): Promise<TlsProxy> {
  const { hostname, port } = new URL(behind);
  const open = new Set<Socket>();
  const server = createServer(certificate, (outside) => {
    const inside = connect(Number(port), hostname);
    for (const [one, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.once("close", () => open.delete(one));
      one.pipe(other);
    }
  });
  // Who does not like the certificate goes away during the handshake.
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy has no address");
  return {
    httpsUrl: `https://127.0.0.1:${address.port}`,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
