/** Plain HTTP on loopback in front of an HTTPS server, for clients that do not know its CA; TLS ends in the server. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect } from "node:tls";

export interface TlsRelay {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startTlsRelay(httpsUrl: string): Promise<TlsRelay> {
  const { hostname, port } = new URL(httpsUrl);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    const far = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
    for (const one of [client, far]) one.on("error", () => one.destroy());
    client.on("close", () => {
      open.delete(client);
      far.destroy();
    });
    far.on("close", () => client.destroy());
    client.pipe(far).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
