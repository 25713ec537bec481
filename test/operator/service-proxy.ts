/** One address for several replicas, as a Service is: each connection goes to the next replica that takes it. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface ServiceProxy {
  /** https://127.0.0.1:PORT; TLS ends in the replicas. */
  readonly url: string;
  /** From now on; connections that are open stay. @param urls  https://127.0.0.1:PORT of each */
  setReplicas(urls: readonly string[]): void;
  stop(): Promise<void>;
}

/** @param port  a free one without */
export async function startServiceProxy(port = 0): Promise<ServiceProxy> {
  let ports: readonly number[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on("close", () => open.delete(client));
    client.on("error", () => client.destroy());
    turn += 1;
    forward(client, [...ports.slice(turn % (ports.length || 1)), ...ports.slice(0, turn % (ports.length || 1))]);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `https://127.0.0.1:${address.port}`,
    setReplicas(urls) {
      ports = urls.map((url) => Number(new URL(url).port));
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A replica that is gone refuses at once; then the next one is asked. */
function forward(client: Socket, [port, ...others]: readonly number[]): void {
  if (port === undefined) {
    client.destroy();
    return;
  }
  const replica = connect(port, "127.0.0.1");
  let isOpen = false;
  replica.on("connect", () => {
    isOpen = true;
    client.pipe(replica).pipe(client);
  });
  replica.on("error", () => {
    if (isOpen) client.destroy();
    else forward(client, others);
  });
  replica.on("close", () => {
    if (isOpen) client.destroy();
  });
  client.on("close", () => replica.destroy());
}
