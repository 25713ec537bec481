/**
 * How the API server reaches kubelets in virtual machines, whose addresses lead nowhere on this host: an HTTP CONNECT proxy
 * for its egress, as clusters have one whose nodes are in another network.
 * Source: Kubernetes, "Set up Konnectivity service", EgressSelectorConfiguration
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import path from "node:path";

export interface KubeletRoad {
  /** For kube-apiserver's --egress-selector-config-file. */
  readonly configPath: string;
  stop(): Promise<void>;
}

/**
 * @param folder  short, as a socket lies in it
 * @param ports   ports of this host's loopback, by ADDRESS:PORT as the API server knows it
 */
export async function buildKubeletRoad(folder: string, ports: ReadonlyMap<string, number>): Promise<KubeletRoad> {
  const socketPath = path.join(folder, "kubelets.sock");
  const configPath = path.join(folder, "egress.json");
  const transport = { uds: { udsName: socketPath } };
  const connection = { proxyProtocol: "HTTPConnect", transport };
  // JSON is YAML.
  writeFileSync(
    configPath,
    JSON.stringify({
      apiVersion: "apiserver.k8s.io/v1beta1",
      kind: "EgressSelectorConfiguration",
      egressSelections: [{ name: "cluster", connection }],
    }),
  );
  const open = new Set<Socket>();
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
  };
  const server = createServer();
  server.on("connect", ({ url = "" }, client: Socket) => {
    keep(client);
    const port = ports.get(url);
    if (port === undefined) {
      client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    const kubelet = connect(port, "127.0.0.1");
    keep(kubelet);
    kubelet.on("connect", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(kubelet).pipe(client);
    });
    kubelet.on("close", () => client.destroy());
    client.on("close", () => kubelet.destroy());
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    configPath,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
