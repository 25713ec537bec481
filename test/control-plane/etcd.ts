/** etcd on a socket in a private folder: it knows no passwords, so no other user of the machine may reach it. */
import path from "node:path";
import { Client } from "undici";
import { TetheredProcess } from "./tethered-process.ts";

/** Longest socket path that Linux takes (sun_path), without the closing zero. */
const LONGEST_SOCKET_PATH_BYTES = 107;

/** Below its folder. */
export const ETCD_DATA = "etcd-data";

export interface Etcd {
  readonly process: TetheredProcess;
  /** For kube-apiserver's --etcd-servers. */
  readonly url: string;
  /** Forgets all revisions but the present one, as kube-apiserver has it do every five minutes. @returns that revision */
  compact(): Promise<number>;
}

/** etcd's own JSON gateway, on the socket that it serves gRPC on. */
async function ask(socketPath: string, path_: string, body: object): Promise<unknown> {
  const client = new Client("http://etcd", { socketPath });
  try {
    const headers = { "content-type": "application/json" };
    const { statusCode, body: answer } = await client.request({
      method: "POST",
      path: path_,
      headers,
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`etcd answers ${statusCode}: ${text}`);
    return JSON.parse(text);
  } finally {
    await client.close();
  }
}

/** Starts etcd; kube-apiserver waits for it by itself. */
export function startEtcd(folder: string, binariesFolder: string): Etcd {
  const socketPath = path.join(folder, "etcd.sock");
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH_BYTES) {
    throw new Error(`the path ${socketPath} is too long for a socket: use a shorter folder`);
  }
  const url = `unix://${socketPath}`;
  // etcd takes a peer socket only as "host:port", relative to its working directory.
  const peerUrl = "unix://etcd-peer.sock:0";
  const process = new TetheredProcess({
    name: "etcd",
    executable: path.join(binariesFolder, "etcd"),
    folder,
    args: [
      `--data-dir=${ETCD_DATA}`,
      "--log-level=warn",
      "--unsafe-no-fsync",
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
  });
  return {
    process,
    url,
    async compact() {
      const range = await ask(socketPath, "/v3/kv/range", { key: Buffer.from([0]).toString("base64"), limit: "1" });
      const { revision } = (range as { readonly header: { readonly revision: string } }).header;
      await ask(socketPath, "/v3/kv/compaction", { revision, physical: true });
      return Number(revision);
    },
  };
}
